using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Collect;

/// <summary>
/// What each manifest names, remembered in the bucket from one collection to the next: 33 bytes for each name. Manifests are kept by digest, which says all of
/// them; tags by their object's version. What is damaged is as good as none: then the manifests are read.
/// </summary>
internal sealed class LinkMemory
{
    private const int MaxSize = 512 << 20;

    private static readonly byte[] Magic = "pail links 1\n"u8.ToArray();
    private static readonly ObjectHeaders Headers = new(MediaTypes.OctetStream, "no-cache");

    private readonly Dictionary<string, byte[]> _old = [];
    private readonly ConcurrentDictionary<string, byte[]> _used = new();
    private volatile bool _changed;

    /// <summary>Reads what the last collection remembered. One GET.</summary>
    public static async Task<LinkMemory> ReadAsync(Bucket bucket, CancellationToken cancel)
    {
        var memory = new LinkMemory();
        try
        {
            if (await SmallObject.ReadAsync(bucket.Store, CollectKeys.Links, MaxSize, cancel) is { } found)
                memory.Load(found.Bytes);
        }
        catch (Exception e) when (e is PailException { Failure: Failure.BadContent } or EndOfStreamException or FormatException or ArgumentException)
        {
            memory._old.Clear();
            memory._changed = true;
        }
        return memory;
    }

    /// <summary>Writes what is remembered of objects that are there still, if that changed. One PUT or none.</summary>
    public async Task WriteAsync(Bucket bucket, CancellationToken cancel)
    {
        if (!_changed && _used.Count == _old.Count)
            return;
        await bucket.Store.PutAsync(CollectKeys.Links, new ReadOnlySequence<byte>(Save()), Headers, PutCondition.None, cancel);
        _changed = false;
    }

    /// <summary>How many objects were asked for or remembered.</summary>
    public int Count => _used.Count;

    /// <summary>What an object names; null if that is not remembered.</summary>
    /// <param name="version">What tells its content from all others: a digest, or a key with what the store says of its version.</param>
    public IReadOnlyList<Link>? Find(string version)
    {
        if (!_used.TryGetValue(version, out var links) && !_old.TryGetValue(version, out links))
            return null;
        _used[version] = links;
        return Decode(links);
    }

    /// <summary>Remembers what an object names.</summary>
    public void Remember(string version, IReadOnlyList<Link> links)
    {
        _used[version] = Encode(links);
        _changed = true;
    }

    private static byte[] Encode(IReadOnlyList<Link> links)
    {
        using var bytes = new MemoryStream(links.Count * 33);
        using var writer = new BinaryWriter(bytes);
        foreach (var link in links)
        {
            writer.Write((byte)((int)link.Kind | (link.Digest.Algorithm == DigestAlgorithm.Sha512 ? 0x80 : 0)));
            writer.Write(Convert.FromHexString(link.Digest.Hex));
            if (link.Kind == LinkKind.Past)
                writer.Write(link.Until.UtcTicks);
        }
        return bytes.ToArray();
    }

    private static List<Link> Decode(byte[] bytes)
    {
        List<Link> links = [];
        using var reader = new BinaryReader(new MemoryStream(bytes));
        while (reader.BaseStream.Position < bytes.Length)
        {
            var kind = reader.ReadByte();
            var algorithm = (kind & 0x80) != 0 ? DigestAlgorithm.Sha512 : DigestAlgorithm.Sha256;
            var digest = Digest.FromHash(algorithm, reader.ReadBytes(algorithm == DigestAlgorithm.Sha512 ? 64 : 32));
            var type = (LinkKind)(kind & 0x7f);
            links.Add(new(type, digest, type == LinkKind.Past ? new DateTimeOffset(reader.ReadInt64(), TimeSpan.Zero) : default));
        }
        return links;
    }

    private byte[] Save()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes, Encoding.UTF8);
        writer.Write(Magic);
        foreach (var (version, links) in _used)
        {
            writer.Write(version);
            writer.Write(links.Length);
            writer.Write(links);
        }
        writer.Flush();
        writer.Write(SHA256.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)));
        return bytes.ToArray();
    }

    private void Load(ReadOnlyMemory<byte> bytes)
    {
        var body = bytes.Length - SHA256.HashSizeInBytes;
        if (body < Magic.Length || !bytes.Span.StartsWith(Magic) || !SHA256.HashData(bytes.Span[..body]).AsSpan().SequenceEqual(bytes.Span[body..]))
            throw new FormatException("what was remembered of manifests is damaged");
        using var reader = new BinaryReader(new MemoryStream(bytes[Magic.Length..body].ToArray()), Encoding.UTF8);
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            var version = reader.ReadString();
            var links = reader.ReadBytes(reader.ReadInt32());
            _ = Decode(links);
            _old[version] = links;
        }
    }
}
