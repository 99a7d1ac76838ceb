using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

public sealed partial class BucketRegistry
{
    /// <summary>Removes a tag, and only that: the manifest stays under its digest. False if there is no such tag. One HEAD and one DELETE.</summary>
    public async Task<bool> DeleteTagAsync(RepositoryName repository, string tag, CancellationToken cancel)
    {
        var key = Layout.ManifestKey(repository, Reference.Parse(tag));
        var existed = await Engine.Retry.RunAsync(token => Store.HeadAsync(key, token), cancel) is not null;
        if (existed)
        {
            await DeleteAsync(key, cancel);
            foreach (var (companion, _, _) in Layout.TagCompanions(repository, tag))
                await DeleteAsync(companion, cancel);
        }
        // Also where the tag is gone already: an earlier deletion may have been interrupted before this.
        if (Settings.Public)
            await _lists.ConfirmTagAsync(repository, tag, expected: false, cancel);
        return existed;
    }

    /// <summary>
    /// Removes a manifest with all tags that name it: found by one LIST for each 1,000 tags by equal size and ETag, and
    /// looked at before they go. Tags go first, so that none ever names what is not there. False if there is no such manifest.
    /// A damaged one can be removed too; nobody knows its subject then, whose list of referrers keeps it.
    /// </summary>
    public async Task<bool> DeleteManifestAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        var key = Layout.ManifestKey(repository, Reference.Of(digest));
        if (await Engine.Retry.RunAsync(token => Store.HeadAsync(key, token), cancel) is not { } info)
            return false;
        var (manifest, damaged) = await TryGetManifestAsync(repository, Reference.Of(digest), cancel);
        if (manifest is null && !damaged)
            return false;
        await foreach (var (tag, alike) in TagsLikeAsync(repository, info, damaged, cancel))
            if (await NamesAsync(repository, tag, digest, orDamaged: damaged && alike, cancel))
                await DeleteTagAsync(repository, tag, cancel);
        if (manifest?.Subject is { } subject)
            await ChangeReferrersAsync(repository, subject.Digest, list => ReferrerList.Remove(list, digest), cancel);
        await DeleteAsync(key, cancel);
        return true;
    }

    /// <summary>Removes a blob. False if there is none. One HEAD and one DELETE.</summary>
    public async Task<bool> DeleteBlobAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        if (await StatBlobAsync(repository, digest, cancel) is null)
            return false;
        await DeleteAsync(Layout.BlobKey(repository, digest), cancel);
        return true;
    }

    private async Task<(Manifest? Manifest, bool Damaged)> TryGetManifestAsync(RepositoryName repository, Reference reference, CancellationToken cancel)
    {
        try
        {
            return (await GetManifestAsync(repository, reference, cancel), false);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return (null, true);
        }
    }

    private async Task<bool> NamesAsync(RepositoryName repository, string tag, Digest digest, bool orDamaged, CancellationToken cancel)
    {
        try
        {
            return (await StatManifestAsync(repository, Reference.Parse(tag), cancel))?.Digest == digest;
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return orDamaged;
        }
    }

    // The tags whose objects have the size and ETag of a manifest's; or all, saying which do.
    private async IAsyncEnumerable<(string Tag, bool Alike)> TagsLikeAsync(
        RepositoryName repository, ObjectInfo manifest, bool all, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        // The keys of the pool's tags are folded into prefixes, which have no ETag: there each tag is looked at.
        var folded = Layout.Kind == LayoutKind.Pool;
        for (ListQuery? query = Layout.TagQuery(repository); query is not null;)
        {
            var asked = query;
            var page = await Engine.Retry.RunAsync(token => Store.ListAsync(asked, token), cancel);
            var found = folded
                ? page.Prefixes.Select(prefix => (Name: prefix, Alike: true))
                : page.Objects.Select(item => (Name: item.Key, Alike: item.Size == manifest.Size && item.ETag == manifest.ETag));
            foreach (var (name, alike) in found)
                if ((all || alike) && Layout.ReadTag(repository, name) is { } tag)
                    yield return (tag, alike);
            query = page.Continuation is null ? null : query with { Continuation = page.Continuation };
        }
    }

    private Task DeleteAsync(string key, CancellationToken cancel) =>
        Engine.Retry.RunAsync(token => Store.DeleteAsync(key, token), cancel);
}
