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
/// the config, so even blobs that lie about themselves never run. Who may not read or write entries works without them.
/// </remarks>
public sealed partial class BucketRegistry
{
    private const int MaxEntrySize = 4 << 10;

    private static readonly ObjectHeaders EntryHeaders = new(MediaTypes.Json, "no-cache");

    /// <summary>The blob that a tar became when it was compressed so, if it is in this repository or another one; null if that is not known. One GET; a HEAD or two more if there is an entry.</summary>
    public async Task<KnownBlob?> FindLayerAsync(RepositoryName repository, Digest diffId, CompressionKind kind, CancellationToken cancel)
    {
        if (await ReadEntryAsync(BucketLayout.MemoryKey(diffId, kind), cancel) is not { } entry)
            return null;
        foreach (var holder in Layout.Kind == LayoutKind.Pool ? [repository] : new[] { repository, entry.Repository }.Distinct())
        {
            var key = Layout.BlobKey(holder, entry.Blob.Digest);
            if (await Engine.Retry.RunAsync(token => Store.HeadAsync(key, token), cancel) is { } info
                && info.Size == entry.Blob.Size && DiffIdOf(info) == diffId)
                return new(entry.Blob with { DiffId = diffId }, holder);
        }
        return null;
    }

    private async Task RememberAsync(RepositoryName repository, Descriptor blob, CancellationToken cancel)
    {
        var file = new MemoryFile(blob.Digest.ToString(), blob.Size, blob.MediaType, repository.ToString());
        var bytes = JsonSerializer.SerializeToUtf8Bytes(file, MemoryJson.Default.MemoryFile);
        try
        {
            await Task.WhenAll(EntryKeys(blob).Select(key => Engine.PutAsync(Store, key, new ReadOnlySequence<byte>(bytes), EntryHeaders, cancel)));
        }
        catch (PailException e) when (e.Failure == Failure.Denied)
        {
            // The image is what counts; the next push of this layer only takes longer.
        }
    }

    // Where a blob that was sent is written down, if it is worth it.
    private IEnumerable<string> EntryKeys(Descriptor blob)
    {
        if (Layout.Kind != LayoutKind.Pool && blob.Size > LayerLimits.Remembered)
            yield return BucketLayout.MemoryKey(blob.Digest, null);
        if (blob.DiffId is { } diffId && LayerCompression.KindOf(blob.MediaType) is { } kind)
            yield return BucketLayout.MemoryKey(diffId, kind);
    }

    private static Digest? DiffIdOf(ObjectInfo info) => Digest.TryParse(info.Metadata.GetValueOrDefault(BucketLayout.DiffIdMetadata), out var diffId) ? diffId : null;

    private async Task<KnownBlob?> ReadEntryAsync(string key, CancellationToken cancel)
    {
        try
        {
            if (await SmallObject.ReadAsync(Store, Engine.Retry, key, MaxEntrySize, cancel) is not { } found)
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

/// <summary>A blob that a bucket holds.</summary>
/// <param name="Blob">What it is.</param>
/// <param name="Repository">Where it is.</param>
public sealed record KnownBlob(Descriptor Blob, RepositoryName Repository);

internal sealed record MemoryFile(string? Digest, long Size, string? MediaType, string? Repository);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MemoryFile))]
internal sealed partial class MemoryJson : JsonSerializerContext;
