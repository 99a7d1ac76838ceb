using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Manifests;
using Pail.Server.Routing;

namespace Pail.Server.Discovery;

/// <summary>
/// What refers to a manifest: the list kept in the bucket, and what clients listed themselves in a tag named after it
/// before this registry knew referrers. Source: OCI distribution-spec, "Listing Referrers", "Referrers Tag Schema", "Enabling the Referrers API".
/// </summary>
internal sealed class ReferrerListing(RegistryServices services, ManifestPulls manifests)
{
    private const string Filter = "artifactType";
    private const int MaxBytes = Manifest.MaxSize;
    private const int AtOnce = 8;

    /// <summary>GET <c>/v2/REPO/referrers/DIGEST?artifactType=</c>: always a list, also an empty one.</summary>
    public async Task<RegistryError?> GetAsync(HttpContext context, RegistryRoute.Referrers route)
    {
        var entries = await ListAsync(route.Repository, route.Subject, context.RequestAborted);
        string? type = context.Request.QueryString.HasValue ? context.Request.Query[Filter] : default;
        string? last = context.Request.QueryString.HasValue ? context.Request.Query["last"] : default;
        var wanted = entries
            .Where(entry => string.IsNullOrEmpty(type) || entry.ArtifactType == type)
            .SkipWhile(entry => last is not null && string.CompareOrdinal(entry.Digest.ToString(), last) <= 0)
            .ToList();
        var page = FirstPage(wanted);
        if (!string.IsNullOrEmpty(type))
            context.Response.Headers["OCI-Filters-Applied"] = Filter;
        if (page.Count < wanted.Count)
            Link(context, type, page[^1].Digest);
        await Answers.BodyAsync(context, MediaTypes.OciIndex, ReferrerList.Write(page));
        return null;
    }

    /// <summary>Lists what refers to a manifest, by digest. Two GETs, and one for each manifest of a list that clients keep themselves.</summary>
    public async Task<IReadOnlyList<Descriptor>> ListAsync(RepositoryName repository, Digest subject, CancellationToken cancel)
    {
        var kept = services.Bucket.Repository(repository).Referrers.ListAsync(subject, cancel);
        var tagged = FromTagAsync(repository, subject, cancel);
        await Task.WhenAll(kept, tagged);
        return [.. (await kept).Concat(await tagged).DistinctBy(entry => entry.Digest).OrderBy(entry => entry.Digest.ToString(), StringComparer.Ordinal)];
    }

    // Clients take no index that is larger than a manifest may be.
    private static List<Descriptor> FirstPage(List<Descriptor> entries)
    {
        var size = 0L;
        var count = entries.TakeWhile(entry => (size += SizeOf(entry)) <= MaxBytes).Count();
        return entries[..Math.Min(entries.Count, Math.Max(1, count))];
    }

    private static long SizeOf(Descriptor entry) => ReferrerList.Write([entry]).Length;

    private void Link(HttpContext context, string? type, Digest last)
    {
        var filter = string.IsNullOrEmpty(type) ? "" : $"{Filter}={Uri.EscapeDataString(type)}&";
        context.Response.Headers.Link = $"<{services.Locate(context, context.Request.Path.Value!)}?{filter}last={last}>; rel=\"next\"";
    }

    private async Task<IReadOnlyCollection<Descriptor>> FromTagAsync(RepositoryName repository, Digest subject, CancellationToken cancel)
    {
        var tag = Reference.Parse($"{subject.AlgorithmName}-{subject.Hex[..64]}");
        if (await manifests.FindAsync(repository, tag, cancel) is not { Manifest: { IsIndex: true } list })
            return [];
        var found = new ConcurrentBag<Descriptor>();
        await Parallel.ForEachAsync(
            list.Manifests.Where(entry => MediaTypes.IsManifest(entry.MediaType)),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel },
            async (entry, token) =>
            {
                // Anybody may write such a tag: what counts is what the manifest says.
                if (await services.Border.HoldsAsync(repository, entry.Digest, token) && await manifests.FindAsync(repository, Reference.Of(entry.Digest), token) is { } referrer && referrer.Manifest.Subject?.Digest == subject)
                    found.Add(ReferrerList.Describe(referrer.Manifest));
            });
        return found;
    }
}
