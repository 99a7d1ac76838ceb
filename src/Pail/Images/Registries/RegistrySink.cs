using System.Net;
using System.Net.Http.Headers;
using Pail.Oci;
using Pail.Transfer;

namespace Pail.Images.Registries;

/// <summary>A place in a registry. Large blobs go to a Pail server's bucket directly, where it offers that.</summary>
/// <remarks>Source: OCI distribution-spec, "Push"; docs/direct-upload.md.</remarks>
public sealed class RegistrySink : IImageSink
{
    private readonly TransferEngine _engine;
    private readonly RegistryClient _client;
    private readonly Reference _reference;

    private RegistrySink(string name, TransferEngine engine, RegistryClient client, Reference reference) =>
        (Name, _engine, _client, _reference) = (name, engine, client, reference);

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public bool HoldsIndexes => true;

    /// <summary>Connects to a registry.</summary>
    /// <param name="host">Its host, with the port if it is none of the usual.</param>
    /// <param name="repository">The repository.</param>
    /// <param name="reference">The tag, or the digest the image has.</param>
    /// <param name="engine">What moves the bytes.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public static async Task<RegistrySink> ConnectAsync(string host, RepositoryName repository, Reference reference, TransferEngine engine, CancellationToken cancel) =>
        new($"docker://{host}/{repository}{(reference.Digest is null ? ":" : "@")}{reference}", engine, await RegistryClient.ConnectAsync(host, repository, engine.Retry, cancel), reference);

    /// <inheritdoc/>
    public async Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) =>
        _reference.Digest is { } digest && digest != root.Digest
            ? throw new PailException(Failure.BadInput, $"{Name}: the image has the digest {root.Digest}. Name a tag, or that digest.")
            : await HasAsync(root, _reference, cancel);

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => HasAsync(manifest, Reference.Of(manifest.Digest), cancel);

    /// <inheritdoc/>
    public async Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        // Who asks for a direct upload is told whether the blob is there.
        var direct = _client.TakesDirectUploads && blob.Size > _engine.Options.SinglePutLimit;
        if (!direct && await HasBlobAsync(blob, cancel))
            return BlobOutcome.Existed;
        if (direct)
        {
            var store = new DirectBlobStore(_client, blob);
            switch (await _engine.Retry.RunAsync(store.AskAsync, cancel))
            {
                case DirectState.Present:
                    return BlobOutcome.Existed;
                case DirectState.Parts:
                    await _engine.UploadAsync(store, blob.Digest.ToString(), new(MediaTypes.OctetStream), blob, open, progress, cancel);
                    return BlobOutcome.Sent;
            }
        }
        await _engine.Retry.RunAsync(token => SendAsync(blob, open, token), cancel);
        progress.Advance(blob.Size);
        return BlobOutcome.Sent;
    }

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => PutAsync(manifest, Reference.Of(manifest.Digest), cancel);

    /// <inheritdoc/>
    public Task PutRootAsync(Manifest root, bool isStored, CancellationToken cancel) =>
        isStored && _reference.Digest is not null ? Task.CompletedTask : PutAsync(root, _reference, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private Task<bool> HasAsync(Manifest manifest, Reference reference, CancellationToken cancel) => _engine.Retry.RunAsync(
        async token =>
        {
            using var answer = await _client.SendAsync(HttpMethod.Head, _client.In($"manifests/{reference}"), null, token, HttpStatusCode.OK, HttpStatusCode.NotFound);
            return answer.StatusCode == HttpStatusCode.OK
                && answer.Content.Headers.ContentType?.MediaType == manifest.MediaType
                && answer.Headers.TryGetValues("Docker-Content-Digest", out var digest)
                && digest.First() == manifest.Digest.ToString();
        },
        cancel);

    private Task<bool> HasBlobAsync(Descriptor blob, CancellationToken cancel) => _engine.Retry.RunAsync(
        async token =>
        {
            using var answer = await _client.SendAsync(HttpMethod.Head, _client.In($"blobs/{blob.Digest}"), null, token, HttpStatusCode.OK, HttpStatusCode.NotFound, HttpStatusCode.TemporaryRedirect);
            return answer.StatusCode != HttpStatusCode.NotFound;
        },
        cancel);

    // One stream: what breaks is sent again from its beginning.
    private async Task SendAsync(Descriptor blob, BlobOpener open, CancellationToken cancel)
    {
        using var begun = await _client.SendAsync(HttpMethod.Post, _client.In("blobs/uploads/"), new ByteArrayContent([]), cancel, HttpStatusCode.Accepted);
        var location = new Uri(begun.RequestMessage!.RequestUri!, begun.Headers.Location ?? throw new PailException(Failure.BadContent, $"{Name}: the registry answered an upload without a Location."));
        var separator = location.Query.Length == 0 ? '?' : '&';
        await using var source = new VerifyingStream(await open(0, cancel), blob);
        using var content = new StreamContent(source, 1 << 17);
        content.Headers.ContentLength = blob.Size;
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypes.OctetStream);
        (await _client.SendAsync(HttpMethod.Put, new Uri($"{location.AbsoluteUri}{separator}digest={blob.Digest}"), content, blob.Size, cancel, HttpStatusCode.Created)).Dispose();
    }

    private Task PutAsync(Manifest manifest, Reference reference, CancellationToken cancel) => _engine.Retry.RunAsync(
        async token =>
        {
            using var content = new ReadOnlyMemoryContent(manifest.Bytes);
            content.Headers.ContentType = new MediaTypeHeaderValue(manifest.MediaType);
            (await _client.SendAsync(HttpMethod.Put, _client.In($"manifests/{reference}"), content, token, HttpStatusCode.Created)).Dispose();
        },
        cancel);
}
