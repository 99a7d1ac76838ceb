using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Buckets.Layouts;
using Pail.Compression;
using Pail.Images;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>
/// What a bucket remembers of large blobs: where one of them is, and which one a layer's tar became when it was compressed.
/// </summary>
/// <remarks>
/// An entry is a pointer, no proof. The blob it leads to must be there in the size stated, and a blob found by the digest of
/// its tar must say so itself: whoever compresses a layer writes that digest into the blob's own metadata, together with its
/// bytes. An entry that is stale, damaged or made up is as good as none. And engines compare each layer they unpack with
/// the config, so even blobs that lie about themselves never run. Without permission to read or write entries, work goes on without them.
/// </remarks>
internal sealed class LayerMemory(Bucket bucket)
{
    private const int MaxEntrySize = 4 << 10;

    private static readonly ObjectHeaders EntryHeaders = new(MediaTypes.Json, "no-cache");

    /// <summary>The blob that a tar became when it was compressed so, here or in another repository. One GET; a HEAD or two more if there is an entry.</summary>
    public async Task<KnownBlob?> FindLayerAsync(Repository repository, Digest diffId, CompressionKind kind, CancellationToken cancel)
    {
        if (await ReadAsync(BucketLayout.MemoryKey(diffId, kind), cancel) is not { } entry)
            return null;
        foreach (var holder in bucket.SharesBlobs ? [repository.Name] : new[] { repository.Name, entry.Repository }.Distinct())
            if (await bucket.Repository(holder).Blobs.FindAsync(entry.Blob.Digest, cancel) is { } found && found.Size == entry.Blob.Size && found.DiffId == diffId)
                return new(entry.Blob with { DiffId = diffId }, holder);
        return null;
    }

    /// <summary>A repository that had a blob once. One GET.</summary>
    public async Task<RepositoryName?> FindHolderAsync(Digest digest, CancellationToken cancel) => (await ReadAsync(BucketLayout.MemoryKey(digest, null), cancel))?.Repository;

    /// <summary>Writes down where a blob is that was stored, if that is worth it. One PUT or two.</summary>
    public async Task RememberAsync(RepositoryName repository, Descriptor blob, CancellationToken cancel)
    {
        var file = new MemoryFile(blob.Digest.ToString(), blob.Size, blob.MediaType, repository.ToString());
        var bytes = JsonSerializer.SerializeToUtf8Bytes(file, MemoryJson.Default.MemoryFile);
        try
        {
            await Task.WhenAll(KeysOf(blob).Select(key => bucket.Engine.PutAsync(bucket.Store, key, new ReadOnlySequence<byte>(bytes), EntryHeaders, cancel)));
        }
        catch (PailException e) when (e.Failure == Failure.Denied)
        {
            // The image is what counts; the next push of this layer only takes longer.
        }
    }

    private IEnumerable<string> KeysOf(Descriptor blob)
    {
        if (!bucket.SharesBlobs && blob.Size > LayerLimits.Remembered)
            yield return BucketLayout.MemoryKey(blob.Digest, null);
        if (blob.DiffId is { } diffId && LayerCompression.KindOf(blob.MediaType) is { } kind)
            yield return BucketLayout.MemoryKey(diffId, kind);
    }

    /// <summary>Reads a pointer; null if there is none, or it is damaged. One GET.</summary>
    public async Task<KnownBlob?> ReadAsync(string key, CancellationToken cancel)
    {
        try
        {
            if (await SmallObject.ReadAsync(bucket.Store, key, MaxEntrySize, cancel) is not { } found)
                return null;
            return JsonSerializer.Deserialize(found.Bytes.Span, MemoryJson.Default.MemoryFile) is { Size: > 0, MediaType: { } type } file
                && Digest.TryParse(file.Digest, out var digest) && RepositoryName.TryParse(file.Repository, out var repository)
                    ? new KnownBlob(new Descriptor(type, digest, file.Size), repository)
                    : null;
        }
        catch (Exception e) when (e is JsonException or PailException { Failure: Failure.BadContent or Failure.Denied })
        {
            return null;
        }
    }
}

internal sealed record MemoryFile(string? Digest, long Size, string? MediaType, string? Repository);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MemoryFile))]
internal sealed partial class MemoryJson : JsonSerializerContext;
