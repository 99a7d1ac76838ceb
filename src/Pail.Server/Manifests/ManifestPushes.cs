using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Routing;

namespace Pail.Server.Manifests;

/// <summary>
/// Takes manifests. Source: OCI distribution-spec, "Pushing Manifests".
/// <list type="number">
/// <item>The bytes are read whole, and must be a manifest with the digest asked for, if one is.</item>
/// <item>If nothing it names was stored just now, it may be here already: then one HEAD a tag tells, and nothing is written. So does one where the tag was here before: its history is in its object.</item>
/// <item>All it names must be here, except what has addresses elsewhere, and its subject.</item>
/// <item>It is written under its digest, then under its tags, so no tag ever names what is not there.</item>
/// </list>
/// </summary>
internal sealed class ManifestPushes(RegistryServices services)
{
    /// <summary>The most tags one push may set with <c>?tag=</c>; the specification asks for ten.</summary>
    private const int MaxTags = 100;

    private const int MostCollections = 5;

    private readonly ManifestBody _bodies = new();
    private readonly ManifestParts _parts = new(services);

    /// <summary>PUT <c>/v2/REPO/manifests/REFERENCE[?tag=TAG&amp;tag=TAG]</c>.</summary>
    public async Task<RegistryError?> PutAsync(HttpContext context, RegistryRoute.ManifestOf route)
    {
        var cancel = context.RequestAborted;
        if (Tags(context.Request, route.Reference, out var tags, out var more) is { } invalid)
            return invalid;
        var (refused, bytes) = await _bodies.ReadAsync(context.Request, cancel);
        if (refused is not null)
            return refused;
        if (Read(bytes, context.Request.ContentType, route.Reference.Digest, out var manifest) is { } unreadable)
            return unreadable;

        var repository = route.Repository;
        for (var collections = 0; ; collections++)
        {
            try
            {
                if (await StoreAsync(context, await services.BeginAsync(repository, context), manifest, tags, cancel) is { } missing)
                    return missing;
                break;
            }
            catch (CollectedException) when (collections < MostCollections)
            {
                // What was there before may be gone: all of it is looked for again.
            }
        }
        if (services.Events is { } events)
            await events.AddAsync(context, "push", repository, manifest.Descriptor, tags.DefaultIfEmpty<string?>(null));
        Answer(context, repository, manifest, more);
        return null;
    }

    private async Task<RegistryError?> StoreAsync(HttpContext context, Repository to, Manifest manifest, List<string> tags, CancellationToken cancel)
    {
        var repository = to.Name;
        // What only another repository has is new here.
        var isHeld = await services.Border.HoldsAsync(repository, manifest.Digest, cancel);
        if (await StaleAsync(to, manifest, tags, isHeld, cancel) is not { } stale)
        {
            await to.Manifests.KeepAsync(manifest, tags, cancel);
            await services.Border.AddAsync(repository, manifest.Digest, cancel);
            return null;
        }
        if (!isHeld || !IsKnown(repository, manifest))
        {
            var removals = services.Manifests.Removals;
            var parts = await _parts.CheckAsync(repository, manifest, cancel);
            if (parts.Missing.Count > 0)
                return RegistryError.ManifestBlobUnknown.About(string.Join(", ", parts.Missing));
            await to.Manifests.PutAsync(manifest, cancel);
            services.Manifests.Set(repository, manifest, landed: true, removals);
            services.Border.Note(repository, manifest.Digest);
            foreach (var blob in manifest.Blobs)
                services.Blobs.ClearRecentlyStored(repository, blob.Digest);
            if (parts.Warnings.Count > 0)
                context.Response.Headers.Warning = new StringValues([.. parts.Warnings]);
        }
        foreach (var (tag, before) in stale)
            await TagAsync(to, manifest, tag, before, cancel);
        return null;
    }

    private static RegistryError? Tags(HttpRequest request, Reference reference, out List<string> tags, out StringValues more)
    {
        tags = reference.Tag is { } tag ? [tag] : [];
        more = request.QueryString.HasValue ? request.Query["tag"] : StringValues.Empty;
        if (more.Count > MaxTags)
            return (RegistryError.BadRequest with { Status = StatusCodes.Status414UriTooLong }).About($"one push sets at most {MaxTags} tags");
        foreach (var name in more)
        {
            if (!Reference.IsTag(name))
                return RegistryError.TagInvalid.About(name);
            if (!tags.Contains(name))
                tags.Add(name);
        }
        return null;
    }

    private static RegistryError? Read(byte[] bytes, string? contentType, Digest? stated, out Manifest manifest)
    {
        manifest = null!;
        try
        {
            manifest = Manifest.Parse(bytes, contentType, stated?.Algorithm ?? DigestAlgorithm.Sha256);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return RegistryError.ManifestInvalid.About(e.Message);
        }
        return stated is { } digest && manifest.Digest != digest ? RegistryError.DigestInvalid.About($"the content has the digest {manifest.Digest}") : null;
    }

    // The tags to be written and what each is; null if there is nothing to do, under the digest neither.
    private async Task<List<(string Tag, TagState Before)>?> StaleAsync(Repository to, Manifest manifest, List<string> tags, bool isHeld, CancellationToken cancel)
    {
        var isNew = !(isHeld && IsKnown(to.Name, manifest)) && _parts.AnyJustStored(to.Name, manifest);
        if (tags.Count == 0)
            return !isNew && isHeld && await IsThereAsync(to, manifest, cancel) ? null : [];
        var stale = new List<(string, TagState)>();
        foreach (var tag in tags)
        {
            // An immutable tag is looked at first, so that a push which is refused leaves no manifest behind.
            var rule = await to.Tags.FindRuleAsync(tag, cancel);
            // Most likely new as well: then the store itself says if it is not, and a new tag is not asked for.
            if (isNew && rule is null && to.Bucket.Settings.Conditions is { IfAbsent: true } && !services.Tags.IsExpected(to.Name, tag))
                stale.Add((tag, TagState.Absent));
            else if (await to.Tags.LookAsync(tag, cancel) is var before && (isNew || !before.Is(manifest)))
            {
                ImmutableImages.RequireSame(to, tag, rule, before, manifest);
                stale.Add((tag, before));
            }
        }
        return stale.Count > 0 ? stale : null;
    }

    private static async Task<bool> IsThereAsync(Repository to, Manifest manifest, CancellationToken cancel)
    {
        try
        {
            return await to.Manifests.FindAsync(Reference.Of(manifest.Digest), cancel) is { } there && (there.MediaType, there.Size) == (manifest.MediaType, manifest.Size);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return false;
        }
    }

    private bool IsKnown(RepositoryName repository, Manifest manifest) =>
        services.Manifests.Get(repository, manifest.Digest) is { } known && services.Manifests.IsFresh(known) && known.Manifest.MediaType == manifest.MediaType;

    private async Task TagAsync(Repository to, Manifest manifest, string tag, TagState before, CancellationToken cancel)
    {
        try
        {
            await to.Tags.PutAsync(manifest, tag, before, cancel);
            services.Tags.RecordWritten(to.Name, tag);
        }
        finally
        {
            // Also if it failed: it may have taken effect all the same.
            services.Tags.Forget(to.Name, tag);
        }
    }

    private void Answer(HttpContext context, RepositoryName repository, Manifest manifest, StringValues more)
    {
        Answers.Created(context.Response, services.Locate(context, $"/v2/{repository}/manifests/{manifest.Digest}"), manifest.Digest);
        if (manifest.Subject is { } subject)
            context.Response.Headers["OCI-Subject"] = subject.Digest.ToString();
        if (more.Count > 0)
            context.Response.Headers["OCI-Tag"] = more;
    }
}
