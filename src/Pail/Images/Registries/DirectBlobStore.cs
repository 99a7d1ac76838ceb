using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Serialization;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Images.Registries;

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

    private readonly ConcurrentDictionary<(string Upload, int Window), Lazy<Task<IReadOnlyList<string>>>> _addresses = new();
    private string? _session;

    /// <inheritdoc/>
    public string Name { get; } = client.In("").ToString();

    /// <summary>Asks whether the blob can be sent so.</summary>
    public async Task<DirectState> AskAsync(CancellationToken cancel)
    {
        using var content = JsonContent.Create(new DirectWish(blob.Digest.ToString(), blob.Size), DirectClientJson.Default.DirectWish);
        await content.LoadIntoBufferAsync(cancel);
        using var answer = await client.SendAsync(HttpMethod.Post, client.In("_pail/uploads"), content, cancel, HttpStatusCode.OK);
        var offer = await answer.Content.ReadFromJsonAsync(DirectClientJson.Default.DirectOffer, cancel);
        _session = offer?.Session;
        return offer switch
        {
            { State: "present" } => DirectState.Present,
            { State: "parts", Session: not null } => DirectState.Parts,
            _ => DirectState.Send,
        };
    }

    /// <inheritdoc/>
    public async Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel)
    {
        if (Interlocked.Exchange(ref _session, null) is { } asked)
            return asked;
        // The one before was lost: another.
        return await AskAsync(cancel) == DirectState.Parts && Interlocked.Exchange(ref _session, null) is { } session
            ? session
            : throw new StoreException(StoreError.Rejected, $"{Name}: the server takes no parts any more.");
    }

    /// <inheritdoc/>
    public async Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel)
    {
        var (window, index) = Math.DivRem(number - 1, AddressesAtOnce);
        var asked = _addresses.GetOrAdd((upload.Id, window), key => new(() => AskAddressesAsync(key.Upload, key.Window, cancel)));
        var addresses = await asked.Value;
        using var content = new SequenceContent(body);
        try
        {
            using var answer = await client.SendAsync(HttpMethod.Put, new Uri(addresses[index]), content, body.Length, cancel, HttpStatusCode.OK);
            return answer.Headers.ETag?.Tag.Trim('"') ?? throw new StoreException(StoreError.Rejected, $"{Name}: the bucket answered a part without an ETag.");
        }
        catch (PailException e) when (e.Failure == Failure.Denied)
        {
            // Parts that move at once may all find that out: only these addresses are forgotten, not newer ones.
            _addresses.TryRemove(new((upload.Id, window), asked));
            throw new StoreException(StoreError.Unavailable, $"{Name}: the address of part {number} was too old.", e);
        }
        catch (PailException e) when (e is { Failure: Failure.NotFound } and not StoreException)
        {
            throw new StoreException(StoreError.NoSuchUpload, $"{Name}: the upload is gone.", e);
        }
    }

    /// <inheritdoc/>
    public async Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel)
    {
        using var content = JsonContent.Create(new DirectParts([.. parts.Select(part => new DirectPart(part.ETag, part.Size))]), DirectClientJson.Default.DirectParts);
        await content.LoadIntoBufferAsync(cancel);
        (await client.SendAsync(HttpMethod.Put, new Uri(client.In(""), upload.Id), content, blob.Size, cancel, HttpStatusCode.Created)).Dispose();
        return "";
    }

    /// <inheritdoc/>
    public async Task AbortUploadAsync(UploadId upload, CancellationToken cancel) =>
        (await client.SendAsync(HttpMethod.Delete, new Uri(client.In(""), upload.Id), null, cancel, HttpStatusCode.NoContent, HttpStatusCode.NotFound)).Dispose();

    /// <inheritdoc/>
    // Whether parts came after an abort is the server's business: it sweeps.
    public Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel) => Task.FromResult<IReadOnlyList<UploadedPart>>([]);

    /// <inheritdoc/>
    public Task<IReadOnlyList<PendingUpload>> ListUploadsAsync(string prefix, CancellationToken cancel) => Task.FromResult<IReadOnlyList<PendingUpload>>([]);

    /// <inheritdoc/>
    public async Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel)
    {
        using var answer = await client.SendAsync(HttpMethod.Head, client.In($"blobs/{key}"), null, cancel, HttpStatusCode.OK, HttpStatusCode.NotFound);
        return answer.StatusCode == HttpStatusCode.OK
            ? new(answer.Content.Headers.ContentLength ?? -1, key, answer.Content.Headers.LastModified ?? default, MediaTypes.OctetStream)
            : null;
    }

    // The rest of what a store can do, no upload in parts asks for.

    /// <inheritdoc/>
    public Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel) => throw OnlyParts();

    /// <inheritdoc/>
    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel) => throw OnlyParts();

    /// <inheritdoc/>
    public Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel) => throw OnlyParts();

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancel) => throw OnlyParts();

    private static InvalidOperationException OnlyParts() => new("Only uploads in parts go this way.");

    private async Task<IReadOnlyList<string>> AskAddressesAsync(string upload, int window, CancellationToken cancel)
    {
        try
        {
            var first = (window * AddressesAtOnce) + 1;
            using var answer = await client.SendAsync(HttpMethod.Post, new Uri(client.In(""), $"{upload}?first={first}&count={AddressesAtOnce}"), null, cancel, HttpStatusCode.OK);
            var addresses = await answer.Content.ReadFromJsonAsync(DirectClientJson.Default.DirectAddresses, cancel);
            return addresses?.Urls is { Count: > 0 } urls ? urls : throw new StoreException(StoreError.Rejected, $"{Name}: the server named no addresses for parts.");
        }
        catch
        {
            _addresses.TryRemove((upload, window), out _);
            throw;
        }
    }

    /// <summary>A body in several pieces of memory.</summary>
    private sealed class SequenceContent(ReadOnlySequence<byte> body) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            foreach (var segment in body)
                await stream.WriteAsync(segment, cancellationToken);
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}

internal sealed record DirectWish(string Digest, long Size);

internal sealed record DirectOffer(string? State, string? Session);

internal sealed record DirectAddresses(IReadOnlyList<string>? Urls);

internal sealed record DirectParts(IReadOnlyList<DirectPart> Parts);

internal sealed record DirectPart(string Etag, long Size);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(DirectWish))]
[JsonSerializable(typeof(DirectOffer))]
[JsonSerializable(typeof(DirectAddresses))]
[JsonSerializable(typeof(DirectParts))]
internal sealed partial class DirectClientJson : JsonSerializerContext;
