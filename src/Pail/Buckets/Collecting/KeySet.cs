using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Pail.Buckets.Collecting;

/// <summary>
/// A set of keys by the first 128 bits of their SHA-256: 16 bytes each, whatever the keys. A key that is not in it is
/// found by chance as seldom as two contents have one digest.
/// </summary>
internal sealed class KeySet
{
    private const int Size = 16;

    private readonly UInt128[] _prints;

    private KeySet(UInt128[] sorted) => _prints = sorted;

    /// <summary>No keys.</summary>
    public static KeySet Empty { get; } = new([]);

    /// <summary>How many keys it holds.</summary>
    public int Count => _prints.Length;

    /// <summary>The set of these keys.</summary>
    public static KeySet Of(IEnumerable<string> keys)
    {
        var prints = keys.Select(PrintOf).Distinct().ToArray();
        Array.Sort(prints);
        return new(prints);
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote.</summary>
    /// <exception cref="FormatException">It is no such thing.</exception>
    public static KeySet Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % Size != 0)
            throw new FormatException("the list of keys is cut short");
        var prints = new UInt128[bytes.Length / Size];
        for (var i = 0; i < prints.Length; i++)
            prints[i] = BinaryPrimitives.ReadUInt128BigEndian(bytes[(i * Size)..]);
        for (var i = 1; i < prints.Length; i++)
            if (prints[i] <= prints[i - 1])
                throw new FormatException("the list of keys is not in order");
        return new(prints);
    }

    /// <summary>Whether it holds a key.</summary>
    public bool Contains(string key) => _prints.Length > 0 && Array.BinarySearch(_prints, PrintOf(key)) >= 0;

    /// <summary>Returns the set as bytes, for <see cref="Read"/>.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[_prints.Length * Size];
        for (var i = 0; i < _prints.Length; i++)
            BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(i * Size), _prints[i]);
        return bytes;
    }

    private static UInt128 PrintOf(string key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var text = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(key.Length));
        SHA256.HashData(text.AsSpan(0, Encoding.UTF8.GetBytes(key, text)), hash);
        ArrayPool<byte>.Shared.Return(text);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }
}
