using Pail.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Registry;

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
    /// </summary>
    public async Task<bool> DeleteManifestAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        var key = Layout.ManifestKey(repository, Reference.Of(digest));
        if (await Engine.Retry.RunAsync(token => Store.HeadAsync(key, token), cancel) is not { } info
            || await GetManifestAsync(repository, Reference.Of(digest), cancel) is not { } manifest)
            return false;
        await foreach (var tag in TagsLikeAsync(repository, info, cancel))
            if ((await StatManifestAsync(repository, Reference.Parse(tag), cancel))?.Digest == digest)
                await DeleteTagAsync(repository, tag, cancel);
        if (manifest.Subject is { } subject)
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

    private async IAsyncEnumerable<string> TagsLikeAsync(RepositoryName repository, ObjectInfo manifest, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        // The keys of the pool's tags are folded into prefixes, which have no ETag: there each tag is looked at.
        var folded = Layout.Kind == LayoutKind.Pool;
        for (ListQuery? query = Layout.TagQuery(repository); query is not null;)
        {
            var asked = query;
            var page = await Engine.Retry.RunAsync(token => Store.ListAsync(asked, token), cancel);
            foreach (var name in folded ? page.Prefixes : page.Objects.Where(item => item.Size == manifest.Size && item.ETag == manifest.ETag).Select(item => item.Key))
                if (Layout.ReadTag(repository, name) is { } tag)
                    yield return tag;
            query = page.Continuation is null ? null : query with { Continuation = page.Continuation };
        }
    }

    private Task DeleteAsync(string key, CancellationToken cancel) =>
        Engine.Retry.RunAsync(token => Store.DeleteAsync(key, token), cancel);
}
