using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>What a registry says to a wish to send a blob to its bucket.</summary>
internal enum DirectState
{
    /// <summary>It has the blob.</summary>
    Present,

    /// <summary>The blob shall be sent in the usual way.</summary>
    Send,

    /// <summary>Parts may be sent.</summary>
    Parts,
}

/// <summary>
/// One blob's way into the bucket of a Pail server, as the store that <see cref="Transfer.TransferEngine"/> uploads to:
/// parts go to presigned addresses, all else is asked of the server. docs/direct-upload.md describes the requests.
/// </summary>
internal sealed class DirectBlobStore(RegistryClient client, Descriptor blob) : IObjectStore
{
    private const int AddressesAtOnce = 64;
    private const int MaxAnswer = 1 << 20;

    private readonly ConcurrentDictionary<(string Upload, int Window), Lazy<Task<IReadOnlyList<Uri>>>> _addresses = new();
    private string? _session;
    private volatile bool _wantsMd5;

    /// <inheritdoc/>
    public string Name { get; } = client.In("").ToString();

    /// <summary>Asks whether the blob can be sent so.</summary>
    public async Task<DirectState> AskAsync(CancellationToken cancel)
    {
        var wish = JsonSerializer.SerializeToUtf8Bytes(new DirectWish(blob.Digest.ToString(), blob.Size, blob.DiffId?.ToString()), DirectClientJson.Default.DirectWish);
        using var answer = await client.SendAsync(new RegistryRequest(HttpMethod.Post, client.In("_pail/uploads")) { Body = client.Body(wish, MediaTypes.Json) }, cancel);
        var offer = await ReadAsync(answer, DirectClientJson.Default.DirectOffer, cancel);
        _session = offer?.Session;
        return offer switch
        {
            { State: "present" } => DirectState.Present,
            { State: "parts", Session: not null } => DirectState.Parts,
            _ => DirectState.Send,
        };
    }

    /// <inheritdoc/>
    public async Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default)
    {
        if (Interlocked.Exchange(ref _session, null) is { } asked)
            return asked;
        // The one before was lost: another.
        return await AskAsync(cancel) == DirectState.Parts && Interlocked.Exchange(ref _session, null) is { } session
            ? session
            : throw new StoreException(StoreError.Rejected, $"{Name}: the server takes no parts any more.");
    }

    /// <inheritdoc/>
    public async Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default)
    {
        var (window, index) = Math.DivRem(number - 1, AddressesAtOnce);
        var asked = _addresses.GetOrAdd((upload.Id, window), key => new(() => AskAddressesAsync(key.Upload, key.Window, cancel)));
        var addresses = await asked.Value;
        try
        {
            var address = index < addresses.Count ? addresses[index] : throw new StoreException(StoreError.Rejected, $"{Name}: the server named no address for part {number}.");
            using var answer = await SendPartAsync(address, body, cancel);
            return answer.Headers.ETag?.Tag.Trim('"') ?? throw new StoreException(StoreError.Rejected, $"{Name}: the bucket answered a part without an ETag.");
        }
        catch (PailException e) when (e.Failure == Failure.Denied)
        {
            // Parts that move at once may all find that out: only these addresses are forgotten, not newer ones.
            _addresses.TryRemove(new((upload.Id, window), asked));
            throw new StoreException(StoreError.Unavailable, $"{Name}: the address of part {number} was too old.", e);
        }
        catch (RegistryRefusal e) when (e.Status == HttpStatusCode.NotFound)
        {
            throw new StoreException(StoreError.NoSuchUpload, $"{Name}: the upload is gone.", e);
        }
    }

    // A bucket with Object Lock demands a checksum of each part. Its header need not be signed.
    private async Task<RegistryAnswer> SendPartAsync(Uri address, ReadOnlySequence<byte> body, CancellationToken cancel)
    {
        var summed = _wantsMd5;
        try
        {
            return await client.SendAsync(new RegistryRequest(HttpMethod.Put, address) { Body = guard => Content(body, guard, summed) }, cancel);
        }
        catch (PailException e) when (!summed && e is { Failure: Failure.BadInput } && (e.Message.Contains("Content-MD5", StringComparison.OrdinalIgnoreCase) || e.Message.Contains("ContentMD5", StringComparison.Ordinal)))
        {
            _wantsMd5 = true;
            return await client.SendAsync(new RegistryRequest(HttpMethod.Put, address) { Body = guard => Content(body, guard, summed: true) }, cancel);
        }
    }

    private SequenceContent Content(ReadOnlySequence<byte> body, StallGuard guard, bool summed)
    {
        var content = client.Content(body, guard);
        if (summed)
            content.Headers.ContentMD5 = Md5(body);
        return content;
    }

    [SuppressMessage("Security", "CA5351", Justification = "The store asks for it; it guards nothing against an attacker.")]
    private static byte[] Md5(ReadOnlySequence<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        foreach (var segment in body)
            hash.AppendData(segment.Span);
        return hash.GetHashAndReset();
    }

    /// <inheritdoc/>
    public async Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default)
    {
        var list = JsonSerializer.SerializeToUtf8Bytes(new DirectParts([.. parts.Select(part => new DirectPart(part.ETag, part.Size))]), DirectClientJson.Default.DirectParts);
        var request = new RegistryRequest(HttpMethod.Put, SessionAt(upload.Id))
        {
            Body = guard => RegistryClient.Typed(client.Content(new(list), guard, blob.Size), MediaTypes.Json),
        };
        (await client.SendAsync(request, cancel)).Dispose();
        return "";
    }

    /// <inheritdoc/>
    public async Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) =>
        (await client.SendAsync(HttpMethod.Delete, SessionAt(upload.Id), cancel, HttpStatusCode.NotFound)).Dispose();

    /// <inheritdoc/>
    // Whether parts came after an abort is the server's business: it sweeps.
    public Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) => Task.FromResult<IReadOnlyList<UploadedPart>>([]);

    /// <inheritdoc/>
    public Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) => Task.FromResult(new UploadPage([], null));

    /// <inheritdoc/>
    public async Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default)
    {
        using var answer = await client.SendAsync(HttpMethod.Head, client.In($"blobs/{key}"), cancel, HttpStatusCode.NotFound);
        return answer.IsSuccess
            ? new(answer.Content.ContentLength ?? -1, key, answer.Content.LastModified ?? default, MediaTypes.OctetStream)
            : null;
    }

    // The rest of what a store can do, no upload in parts asks for.

    /// <inheritdoc/>
    public Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default) => throw OnlyParts();

    /// <inheritdoc/>
    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) => throw OnlyParts();

    /// <inheritdoc/>
    public Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) => throw OnlyParts();

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancel = default) => throw OnlyParts();

    private static InvalidOperationException OnlyParts() => new("Only uploads in parts go this way.");

    private async Task<IReadOnlyList<Uri>> AskAddressesAsync(string upload, int window, CancellationToken cancel)
    {
        try
        {
            var first = (window * AddressesAtOnce) + 1;
            using var answer = await client.SendAsync(HttpMethod.Post, SessionAt($"{upload}?first={first}&count={AddressesAtOnce}"), cancel);
            var addresses = await ReadAsync(answer, DirectClientJson.Default.DirectAddresses, cancel);
            // For the last parts there may be fewer than were asked for, but no more.
            return addresses?.Urls is { Count: > 0 and <= AddressesAtOnce } urls ? [.. urls.Select(url => client.Follow(client.At(""), url, "the place of a part"))] : throw new StoreException(StoreError.Rejected, $"{Name}: the server named no addresses for parts.");
        }
        catch
        {
            _addresses.TryRemove((upload, window), out _);
            throw;
        }
    }

    private Uri SessionAt(string path) => client.Follow(client.At(""), path, "the place of an upload");

    private async Task<T?> ReadAsync<T>(RegistryAnswer answer, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        try
        {
            return JsonSerializer.Deserialize(await answer.ReadAsync(MaxAnswer, cancel), type);
        }
        catch (JsonException e)
        {
            throw new StoreException(StoreError.Rejected, $"{Name}: the server's answer makes no sense: {JsonText.Why(e)}", e);
        }
    }
}

internal sealed record DirectWish(string Digest, long Size, string? DiffId);

internal sealed record DirectOffer(string? State, string? Session);

internal sealed record DirectAddresses(IReadOnlyList<string>? Urls);

internal sealed record DirectParts(IReadOnlyList<DirectPart> Parts);

internal sealed record DirectPart(string Etag, long Size);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DirectWish))]
[JsonSerializable(typeof(DirectOffer))]
[JsonSerializable(typeof(DirectAddresses))]
[JsonSerializable(typeof(DirectParts))]
internal sealed partial class DirectClientJson : JsonSerializerContext;
