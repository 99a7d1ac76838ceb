using System.Text;

namespace Pail.Server.Sealing;

/// <summary>Writes bytes and numbers one after the other; numbers take seven bits a byte, low ones first.</summary>
internal ref struct SealWriter(Span<byte> bytes)
{
    private readonly Span<byte> _bytes = bytes;

    private int _length;

    public readonly ReadOnlySpan<byte> Written => _bytes[.._length];

    public void Add(byte value) => _bytes[_length++] = value;

    public void Add(scoped ReadOnlySpan<byte> values)
    {
        values.CopyTo(_bytes[_length..]);
        _length += values.Length;
    }

    public void AddNumber(ulong number)
    {
        for (; number > 0x7F; number >>= 7)
            Add((byte)(number | 0x80));
        Add((byte)number);
    }

    /// <summary>Writes the length of a text and its bytes.</summary>
    public void AddText(string text)
    {
        AddNumber((ulong)Encoding.UTF8.GetByteCount(text));
        _length += Encoding.UTF8.GetBytes(text, _bytes[_length..]);
    }
}

/// <summary>Reads what a <see cref="SealWriter"/> wrote.</summary>
internal ref struct SealReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _bytes = bytes;

    public readonly bool IsAtEnd => _bytes.IsEmpty;

    public ReadOnlySpan<byte> Take(int count)
    {
        var taken = _bytes[..count];
        _bytes = _bytes[count..];
        return taken;
    }

    public string TakeText() => Encoding.UTF8.GetString(Take((int)TakeNumber()));

    public ReadOnlySpan<byte> TakeRest() => Take(_bytes.Length);

    public ulong TakeNumber()
    {
        var number = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = Take(1)[0];
            number |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return number;
        }
    }
}
