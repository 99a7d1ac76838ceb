using System.Collections.Concurrent;
using System.Net;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>A place in a registry. Source: OCI distribution-spec, "Push".</summary>
internal sealed class RegistrySink : IImageSink, IReferrerSink, ILayerLookup, IForecast
{
    // One second each.
    private const int BlobUnknownTries = 3;

    private readonly ConcurrentDictionary<Digest, bool> _found = new();
    private readonly TransferEngine _engine;
    private readonly RegistryClient _client;
    private readonly Reference _reference;
    private readonly BlobSender _sender;
    private readonly RegistryManifests _manifests;
    private readonly CurrentTagImage _named;
    private readonly RegistryReferrers _referrers;

    /// <summary>Makes a sink. No request is made yet.</summary>
    /// <param name="host">The registry's host, with its port if it has one.</param>
    /// <param name="repository">The repository.</param>
    /// <param name="reference">The tag, or the digest the image has.</param>
    /// <param name="clients">What the registry is reached by; must outlive this.</param>
    /// <param name="mountFrom">A repository of the same registry that holds the blobs; null for none.</param>
    public RegistrySink(string host, RepositoryName repository, Reference reference, RegistryClients clients, RepositoryName? mountFrom = null)
    {
        Name = $"docker://{host}/{repository}{(reference.Digest is null ? ":" : "@")}{reference}";
        (_engine, _reference, _client, Expected) = (clients.Engine, reference, clients.Of(host, repository, "pull,push"), reference.Digest);
        _sender = new BlobSender(_client, _engine, mountFrom == repository ? null : mountFrom);
        _manifests = new RegistryManifests(_client, _engine);
        _named = new CurrentTagImage(_client, _manifests, _engine, reference);
        _referrers = new RegistryReferrers(_client, _manifests, _engine);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The digest that the image must have, beside or in place of a tag; null for any.</summary>
    public Digest? Expected { get; init; }

    /// <inheritdoc/>
    public SinkAbilities Abilities => new() { TakesEarlyBlobs = Expected is null, Referrers = this, Layers = this, Forecast = this };

    /// <inheritdoc/>
    public async Task<bool> HasRootAsync(Manifest root, CancellationToken cancel)
    {
        if (Expected is { } digest && digest != root.Digest)
            throw new PailException(Failure.BadInput, $"{Name}: the image has the digest {root.Digest}, not {digest}. Name a tag alone, or that digest.");
        // A HEAD, unless the manifest was asked for anyway: some registries count every GET of one against a limit.
        return _named.Asked is { } asked ? await asked is { } there && there.Digest == root.Digest && there.MediaType == root.MediaType : await HasAsync(root, _reference, cancel);
    }

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => HasAsync(manifest, Reference.Of(manifest.Digest), cancel);

    /// <inheritdoc/>
    public Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel) =>
        _found.ContainsKey(blob.Digest) ? Task.FromResult(BlobOutcome.Existed) : ExplainAsync(blob.Digest, () => _sender.PutAsync(blob, open, progress, cancel));

    /// <inheritdoc/>
    public Task<Manifest?> GetNamedAsync(CancellationToken cancel) => _named.GetAsync(cancel);

    /// <inheritdoc/>
    public async Task<Descriptor?> FindLayerAsync(Digest diffId, CompressionKind kind, CancellationToken cancel)
    {
        // Asked for: of what a manifest names, a registry may still have lost some, and this is the last chance to send it again.
        if (await _named.FindLayerAsync(diffId, kind, cancel) is not { } layer || !await _sender.HasAsync(layer, cancel))
            return null;
        _found[layer.Digest] = true;
        return layer;
    }

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => PutReferrerAsync(manifest, cancel);

    /// <inheritdoc/>
    public async Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        if (isStored && _reference.Digest is not null)
            return;
        // Pushed by a tag, a manifest is known by its sha256. One that has another digest is pushed by that and tagged by the way, where
        // the registry can do so. Source: OCI distribution-spec, "Pushing Manifests", the parameter "tag".
        var tag = root.Digest.Algorithm == DigestAlgorithm.Sha256 ? null : _reference.Tag;
        var (tagged, listed) = tag is null ? default : await PutAsync(root, $"{root.Digest}?tag={tag}", cancel);
        if (!tagged)
            listed |= (await PutAsync(root, _reference.ToString(), cancel)).Listed;
        if (!listed && root.Subject is not null)
            await _referrers.AddToTagAsync(root, PutTagAsync, cancel);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => _referrers.ListAsync(subject, cancel);

    /// <inheritdoc/>
    public async Task PutReferrerAsync(Manifest referrer, CancellationToken cancel)
    {
        // A registry that lists referrers says so; for others we do.
        if (!(await PutAsync(referrer, referrer.Digest.ToString(), cancel)).Listed && referrer.Subject is not null)
            await _referrers.AddToTagAsync(referrer, PutTagAsync, cancel);
    }

    /// <inheritdoc/>
    public Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel) => HasAsync(manifest, Reference.Parse(tag), cancel);

    /// <inheritdoc/>
    public Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel) => PutAsync(manifest, tag, cancel);

    /// <inheritdoc/>
    public Task<BlobOutcome> ForecastBlobAsync(Descriptor blob, CancellationToken cancel) =>
        _found.ContainsKey(blob.Digest) ? Task.FromResult(BlobOutcome.Existed) : _sender.ForecastAsync(blob, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _referrers.Dispose();
        return ValueTask.CompletedTask;
    }

    private Task<bool> HasAsync(Manifest manifest, Reference reference, CancellationToken cancel) => _engine.Retry.RunAsync(
        async token =>
        {
            var request = new RegistryRequest(HttpMethod.Head, _client.In($"manifests/{reference}")) { Accept = MediaTypes.Manifests, HandlesRefusals = true };
            using var answer = await _client.SendAsync(request, token);
            if (answer.IsRefused)
                return await HasByGetAsync(manifest, reference, token);
            if (!answer.IsSuccess)
                return answer.Status == HttpStatusCode.NotFound ? false : throw await _client.ErrorAsync(answer, token);
            // A general type, or none, was not stated.
            if (answer.Content.ContentType?.MediaType is { } type && type.StartsWith("application/vnd.", StringComparison.Ordinal) && type != manifest.MediaType)
                return false;
            // Not every registry says the digest; asked by digest, one that finds the manifest has said it.
            return answer["Docker-Content-Digest"] is { Length: > 0 } stated ? stated == manifest.Digest.ToString() : reference.Digest is not null;
        },
        cancel);

    // For registries that refuse HEAD. One that refuses GET too, as to a login that may only push, does not say whether it is there.
    private async Task<bool> HasByGetAsync(Manifest manifest, Reference reference, CancellationToken cancel)
    {
        try
        {
            return await _manifests.FindAsync(reference, cancel) is { } there && there.Digest == manifest.Digest && there.MediaType == manifest.MediaType;
        }
        catch (PailException e) when (e.Failure is Failure.Denied or Failure.BadInput or Failure.BadContent && e is not StoreException)
        {
            return false;
        }
    }

    // Whether the registry says that it tagged the manifest as asked, and that it lists it as referring to its subject.
    private Task<(bool Tagged, bool Listed)> PutAsync(Manifest manifest, string reference, CancellationToken cancel)
    {
        var unknown = 0;
        return ExplainAsync(manifest.Digest, () => _engine.Retry.RunAsync(token => PutOnceAsync(manifest, reference, () => unknown++ < BlobUnknownTries, token), cancel));
    }

    private async Task<(bool Tagged, bool Listed)> PutOnceAsync(Manifest manifest, string reference, Func<bool> mayWait, CancellationToken token)
    {
        try
        {
            var request = new RegistryRequest(HttpMethod.Put, _client.In($"manifests/{reference}")) { Body = _client.Body(manifest.Bytes, manifest.MediaType) };
            using var answer = await _client.SendAsync(request, token);
            if (answer["Docker-Content-Digest"] is { } stated && manifest.Digest.Algorithm == DigestAlgorithm.Sha256 && stated != manifest.Digest.ToString())
                throw new PailException(Failure.BadContent, $"{Name}: the registry calls the manifest {SafeText.OneLine(stated)}; it is {manifest.Digest}.");
            return (answer["OCI-Tag"] is not null, answer["OCI-Subject"] is not null);
        }
        // Its blobs were sent or seen just now: a registry over several machines may need a moment to see them everywhere.
        catch (RegistryRefusal e) when (e.IsBlobUnknown && mayWait())
        {
            throw new StoreException(StoreError.Unavailable, e.Message, e) { RetryAfter = TimeSpan.FromSeconds(1) };
        }
    }

    // What is sent has the digest it should have, that is seen to here. A registry that calls it wrong counts by sha256 alone, whatever it is asked for.
    private static async Task<T> ExplainAsync<T>(Digest digest, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (RegistryRefusal e) when (e.Failure == Failure.BadInput && digest.Algorithm != DigestAlgorithm.Sha256)
        {
            throw new PailException(Failure.BadInput, $"{e.Message.TrimEnd('.')}. This registry seems to take no {digest.AlgorithmName} digests, as CNCF Distribution does not: such an image needs another registry, a bucket or a layout.", e);
        }
    }
}
