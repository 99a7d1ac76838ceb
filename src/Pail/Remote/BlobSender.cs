using System.Net;
using Pail.Io;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>
/// Brings blobs into a repository of a registry, by the cheapest way it takes: it has the blob; it mounts it from another
/// repository; large ones go to the bucket behind a Pail server (docs/direct-upload.md); one request has the whole body; or
/// many have a chunk each. Source: OCI distribution-spec, "Pushing blobs".
/// </summary>
internal sealed class BlobSender(RegistryClient client, TransferEngine engine, RepositoryName? mountFrom)
{
    private static readonly HttpStatusCode[] Redirects =
        [HttpStatusCode.MovedPermanently, HttpStatusCode.Found, HttpStatusCode.SeeOther, HttpStatusCode.TemporaryRedirect, HttpStatusCode.PermanentRedirect];

    // What a registry, or a proxy before it, says to a whole body that may come in chunks: too large, or no such way here (JFrog).
    private static readonly HttpStatusCode[] WantsChunks =
    [
        HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed, HttpStatusCode.LengthRequired,
        HttpStatusCode.UnsupportedMediaType, HttpStatusCode.NotImplemented,
    ];

    private Task<bool>? _takesDirectUploads;
    private volatile bool _wantsChunks;
    private volatile bool _mayMount = mountFrom is not null;

    public async Task<BlobOutcome> PutAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (_mayMount && await MountAsync(blob, mountFrom!.Value, cancel))
            return BlobOutcome.Copied;
        // Who asks for a direct upload is told whether the blob is there.
        var mayGoDirect = blob.Size > engine.Options.SinglePutLimit && await TakesDirectUploadsAsync(cancel);
        if (!mayGoDirect && await HasAsync(blob, cancel))
            return BlobOutcome.Existed;
        if (mayGoDirect)
        {
            var direct = new DirectBlobStore(client, blob);
            switch (await engine.Retry.RunAsync(direct.AskAsync, cancel))
            {
                case DirectState.Present:
                    return BlobOutcome.Existed;
                case DirectState.Parts:
                    await engine.UploadAsync(direct, blob.Digest.ToString(), new(MediaTypes.OctetStream), blob, open, progress, cancel);
                    return BlobOutcome.Sent;
            }
        }
        if (!_wantsChunks && await SendWholeAsync(blob, open, progress, cancel) is { } outcome)
            return outcome;
        _wantsChunks = true;
        return await engine.Retry.RunAsync(token => new ChunkedUpload(client, engine, blob, open, progress).RunAsync(token), cancel);
    }

    /// <summary>What <see cref="PutAsync"/> would do, if the registry mounts as it should.</summary>
    public async Task<BlobOutcome> ForecastAsync(Descriptor blob, CancellationToken cancel) =>
        await HasAsync(blob, cancel) ? BlobOutcome.Existed : mountFrom is null ? BlobOutcome.Sent : BlobOutcome.Copied;

    /// <summary>Whether the repository has a blob. One that the registry won't tell of (a login that may only push) is not known to be there.</summary>
    public Task<bool> HasAsync(Descriptor blob, CancellationToken cancel) => engine.Retry.RunAsync(
        async token =>
        {
            using var answer = await client.SendAsync(new RegistryRequest(HttpMethod.Head, client.In($"blobs/{blob.Digest}"), Redirects) { HandlesRefusals = true }, token);
            return answer switch
            {
                // No length, and 0, which is what is left where a body was, say nothing of the blob.
                { IsSuccess: true } => (answer.Content.ContentLength ?? 0) is var length && (length == 0 || length == blob.Size),
                // Where it redirects to may answer a GET only, but it does not redirect to what it does not have.
                { IsRedirect: true } => true,
                { IsRefused: true } or { Status: HttpStatusCode.NotFound or HttpStatusCode.Unauthorized } => false,
                _ => throw await client.ErrorAsync(answer, token),
            };
        },
        cancel);

    // A registry that can't mount begins an upload instead, or refuses: mounts are optional. Whether to send is known only after asking
    // whether the blob is there, so an upload that has begun is left to the registry.
    private Task<bool> MountAsync(Descriptor blob, RepositoryName from, CancellationToken cancel) => engine.Retry.RunAsync(
        async token =>
        {
            var request = new RegistryRequest(HttpMethod.Post, client.In($"blobs/uploads/?mount={Uri.EscapeDataString(blob.Digest.ToString())}&from={Uri.EscapeDataString(from.ToString())}"))
            {
                Body = client.Body(default, MediaTypes.OctetStream),
                MoreScopes = [$"repository:{from}:pull"],
                HandlesRefusals = true,
            };
            using var answer = await client.SendAsync(request, token);
            // It may lack one blob, or fail once; what it refuses for this it refuses for all.
            if (answer.IsRefused || answer.Status == HttpStatusCode.Unauthorized)
                _mayMount = false;
            return UploadSession.IsMounted(answer);
        },
        cancel);

    private Task<bool> TakesDirectUploadsAsync(CancellationToken cancel)
    {
        return _takesDirectUploads ??= AskAsync();

        async Task<bool> AskAsync()
        {
            using var answer = await engine.Retry.RunAsync(token => client.SendAsync(HttpMethod.Get, client.At(""), token, HttpStatusCode.NotFound), cancel);
            return answer["Pail-Extensions"] is { } extensions && extensions.Split(',').Any(one => one.Trim() == "direct-upload");
        }
    }

    // One stream: what breaks is sent again from its beginning, if the registry does not have it all the same. Null if the registry takes no
    // body of that size, or none at all.
    private Task<BlobOutcome?> SendWholeAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        var mayBeThere = false;
        return engine.Retry.RunAsync<BlobOutcome?>(
            async token =>
            {
                if (mayBeThere && await HasAsync(blob, token))
                {
                    progress.Advance(blob.Size);
                    return BlobOutcome.Sent;
                }
                if (await UploadSession.BeginAsync(client, blob.Digest, token) is not { } session)
                    return BlobOutcome.Copied;
                var sent = 0L;
                try
                {
                    // From the source as it comes; a source that breaks is opened again where it broke.
                    await using var source = new VerifyingStream(new ResumingStream(open, engine.Retry), blob);
                    var request = new RegistryRequest(HttpMethod.Put, session.Closing(blob.Digest), WantsChunks)
                    {
                        Body = guard => Closing(blob, new StreamedContent(source, blob.Size, guard, client.Options.Patience, client.Answering(blob.Size), bytes => progress.Advance(Count(ref sent, bytes)))),
                        CanRepeat = false,
                    };
                    using var answer = await client.SendAsync(request, token);
                    if (answer.IsSuccess)
                        return BlobOutcome.Sent;
                    progress.Advance(-sent);
                    await session.AbandonAsync();
                    return null;
                }
                catch
                {
                    mayBeThere = sent == blob.Size;
                    progress.Advance(-sent);
                    await session.AbandonAsync();
                    throw;
                }
            },
            cancel);
    }

    /// <summary>The body of a request that ends an upload. A Pail server keeps what it says of the tar that a layer was compressed from; others don't know the header.</summary>
    internal static HttpContent Closing(Descriptor blob, HttpContent content)
    {
        if (blob.DiffId is { } diffId)
            content.Headers.TryAddWithoutValidation("Pail-Diff-Id", diffId.ToString());
        return RegistryClient.Typed(content, MediaTypes.OctetStream);
    }

    private static long Count(ref long sum, long bytes)
    {
        sum += bytes;
        return bytes;
    }
}
