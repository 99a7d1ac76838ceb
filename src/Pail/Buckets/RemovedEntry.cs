using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>What is kept of a tag or manifest that was removed: enough to bring it back, and to know what must stay for that.</summary>
/// <param name="Manifest">The manifest's bytes.</param>
/// <param name="MediaType">What it was served as.</param>
/// <param name="By">Who removed it, as far as is known.</param>
/// <param name="Tags">The tags that went with a manifest; each of them is kept for itself, too.</param>
internal sealed record RemovedEntry(byte[] Manifest, string MediaType, string? By, IReadOnlyList<string>? Tags)
{
    // The bytes are kept in base64.
    private const int MaxSize = (Oci.Manifest.MaxSize * 2) + (1 << 20);

    /// <summary>What a tag named before, as <see cref="TagHistory.Format"/> writes it.</summary>
    public string? History { get; init; }

    /// <summary>True if retention dropped the tag: then what only this leads to goes with it when it is no longer kept, though manifests without tags stay otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Dropped { get; init; }

    /// <summary>Reads what was kept; null if it is damaged.</summary>
    public static RemovedEntry? Read(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes.Span, RemovedJson.Default.RemovedEntry) is { Manifest: not null, MediaType: not null } entry ? entry : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads what was kept under a key; null if it is gone or damaged. One GET.</summary>
    public static async Task<RemovedEntry?> ReadAsync(Bucket bucket, string key, CancellationToken cancel) =>
        await SmallObject.ReadAsync(bucket.Store, key, MaxSize, cancel) is { } found ? Read(found.Bytes) : null;

    /// <summary>Reads the object that is to be removed. One GET.</summary>
    /// <returns>Whether it is there; its bytes only if it is no larger than any manifest.</returns>
    public static async Task<(bool Exists, SmallObject? Found)> LoadAsync(Bucket bucket, string key, CancellationToken cancel)
    {
        try
        {
            var found = await SmallObject.ReadAsync(bucket.Store, key, Oci.Manifest.MaxSize, cancel);
            return (found is not null, found);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return (true, null);
        }
    }

    /// <summary>Keeps a tag or manifest that is removed after this. One PUT, or none for what is no manifest by its size.</summary>
    /// <param name="repository">Where it is, and who removes it.</param>
    /// <param name="reference">Its tag or digest.</param>
    /// <param name="found">Its object, as <see cref="LoadAsync"/> returned it.</param>
    /// <param name="tags">The tags that go with it.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <returns>The key of what is kept; null if nothing is.</returns>
    public static Task<string?> KeepAsync(Repository repository, Reference reference, SmallObject? found, IReadOnlyList<string>? tags, CancellationToken cancel) =>
        KeepAsync(repository, reference, found, tags, dropped: false, cancel);

    /// <summary>Keeps a tag that retention drops after this. One GET and one PUT.</summary>
    /// <returns>The key of what is kept; null if there is no such tag.</returns>
    public static async Task<string?> KeepDroppedAsync(Repository repository, string tag, CancellationToken cancel)
    {
        var reference = Reference.Parse(tag);
        var (_, found) = await LoadAsync(repository.Bucket, repository.Manifests.KeyOf(reference), cancel);
        return await KeepAsync(repository, reference, found, null, dropped: true, cancel);
    }

    private static async Task<string?> KeepAsync(Repository repository, Reference reference, SmallObject? found, IReadOnlyList<string>? tags, bool dropped, CancellationToken cancel)
    {
        if (found is null)
            return null;
        var moves = TagHistory.Read(found.Info);
        var entry = new RemovedEntry(found.Bytes.ToArray(), found.Info.ContentType, repository.By, tags is { Count: > 0 } ? tags : null) { History = moves.Count > 0 ? TagHistory.Format(moves) : null, Dropped = dropped };
        var (bucket, body) = (repository.Bucket, new ReadOnlySequence<byte>(entry.ToBytes()));
        // Removed twice in a millisecond, both are kept.
        var condition = bucket.Settings.Conditions is { IfAbsent: true } ? PutCondition.IfAbsent : PutCondition.None;
        for (var time = bucket.Now; ; time += TimeSpan.FromMilliseconds(1))
        {
            try
            {
                var key = RemovedKey.Of(repository.Name, reference, time);
                if (await bucket.Store.PutAsync(key, body, V2Layout.ListHeaders, condition, cancel) is not null)
                    return key;
            }
            catch (StoreException e) when (e.Error == StoreError.ConditionUnsupported)
            {
                condition = PutCondition.None;
            }
        }
    }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, RemovedJson.Default.RemovedEntry);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RemovedEntry))]
internal sealed partial class RemovedJson : JsonSerializerContext;
