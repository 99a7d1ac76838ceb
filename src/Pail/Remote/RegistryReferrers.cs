using System.Net;
using Pail.Images;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>
/// What refers to the manifests of a repository: asked of the registry, or where it does not know, read from the list that clients
/// keep in a tag. Source: OCI distribution-spec, "Listing Referrers", "Pushing Manifests with Subject".
/// </summary>
internal sealed class RegistryReferrers(RegistryClient client, RegistryManifests manifests, TransferEngine engine) : IDisposable
{
    private const int Tries = 10;

    // Lists in tags are read, changed and written back; two of us at once would lose an entry.
    private readonly SemaphoreSlim _lock = new(1);
    private readonly Dictionary<string, List<Descriptor>> _ours = [];
    private volatile bool _unknown;

    /// <summary>The manifests listed as referring to one.</summary>
    public async Task<IReadOnlyList<Descriptor>> ListAsync(Digest subject, CancellationToken cancel)
    {
        if (!_unknown && await AskAsync(subject, cancel) is { } known)
            return known;
        _unknown = true;
        return await ListedInTagAsync(subject, cancel);
    }

    /// <summary>Adds a manifest to the list kept in its subject's tag, for a registry that does not list it itself.</summary>
    /// <remarks>
    /// Others may write the list between our reading and writing it, and no registry prevents that. So it is read again, and what is
    /// missing of all we put in goes in again. Only who writes after that what he read before can still lose an entry.
    /// </remarks>
    /// <param name="referrer">What refers.</param>
    /// <param name="put">Makes the tag name the list.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException"><see cref="Failure.Conflict"/>: others overwrite it again and again.</exception>
    public async Task AddToTagAsync(Manifest referrer, Func<Manifest, string, CancellationToken, Task> put, CancellationToken cancel)
    {
        await _lock.WaitAsync(cancel);
        try
        {
            var tag = ReferrerTags.List(referrer.Subject!.Digest);
            if (!_ours.TryGetValue(tag, out var ours))
                _ours[tag] = ours = [];
            ours.Add(ReferrerList.Describe(referrer));
            for (var tried = 0; ; tried++)
            {
                var listed = await ListedInTagAsync(referrer.Subject.Digest, cancel);
                var missing = ours.ExceptBy(listed.Select(entry => entry.Digest), entry => entry.Digest).ToList();
                if (missing.Count == 0)
                    return;
                if (tried == Tries)
                    throw new PailException(Failure.Conflict, $"{client.Host}: others keep overwriting the list of referrers in the tag {tag}. Run the same command again.");
                await put(Manifest.Parse(ReferrerList.Write([.. listed, .. missing]), MediaTypes.OciIndex), tag, cancel);
            }
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    // GitLab takes the tag's name, sha256-HEX, for the digest: what it then names is the subject itself, and no list.
    private async Task<IReadOnlyList<Descriptor>> ListedInTagAsync(Digest subject, CancellationToken cancel) =>
        await manifests.FindAsync(Reference.Parse(ReferrerTags.List(subject)), cancel) is { } list && list.Digest != subject ? list.Manifests : [];

    // Null if the registry does not know referrers.
    private async Task<IReadOnlyList<Descriptor>?> AskAsync(Digest subject, CancellationToken cancel)
    {
        var found = new Dictionary<Digest, Descriptor>();
        for (Uri? page = client.In($"referrers/{subject}"); page is not null;)
        {
            var asked = page;
            var (list, next) = await engine.Retry.RunAsync(token => PageAsync(asked, token), cancel);
            if (list is null)
                return null;
            var before = found.Count;
            foreach (var entry in list.Manifests)
                found[entry.Digest] = entry;
            // A page that leads to another must have brought us on, else there is no end.
            if (next is not null && (found.Count == before || found.Count > GraphLimits.MaxManifests))
                throw new PailException(Failure.BadContent, $"{client.Host}: the registry lists referrers without end.");
            page = next;
        }
        return [.. found.Values];
    }

    private async Task<(Manifest? List, Uri? Next)> PageAsync(Uri page, CancellationToken cancel)
    {
        var request = new RegistryRequest(HttpMethod.Get, page, HttpStatusCode.NotFound, HttpStatusCode.BadRequest, HttpStatusCode.MethodNotAllowed, HttpStatusCode.NotAcceptable, HttpStatusCode.NotImplemented) { Accept = [MediaTypes.OciIndex] };
        using var answer = await client.SendAsync(request, cancel);
        return answer.IsSuccess && answer.Content.ContentType?.MediaType == MediaTypes.OciIndex
            ? (Manifest.Parse(await answer.ReadAsync(Manifest.MaxSize, cancel), MediaTypes.OciIndex), client.NextPage(answer))
            : (null, null);
    }
}
