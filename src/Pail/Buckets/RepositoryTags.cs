using System.Buffers;
using System.Runtime.CompilerServices;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>The tags of a repository.</summary>
public sealed class RepositoryTags
{
    private const int MaxPage = 1000;

    private readonly Repository _repository;

    internal RepositoryTags(Repository repository) => _repository = repository;

    private Bucket Bucket => _repository.Bucket;

    private BucketLayout Layout => Bucket.Layout;

    private RepositoryName Name => _repository.Name;

    /// <summary>Lists the tags in ordinal order, strictly after one if given. One LIST for each 1,000.</summary>
    public IAsyncEnumerable<string> ListAsync(string? after = null, CancellationToken cancel = default)
    {
        var tags = PagesAsync(after, cancel).SelectMany(NameList.NamesOf).Select(ReadTag).OfType<string>();
        return Layout.NamesSortAsKeys ? tags : NameList.SortAsync(tags, after);
    }

    /// <summary>
    /// Lists at most so many tags in ordinal order, strictly after one if given. One LIST for each 1,000 wanted;
    /// may have a few less than wanted, with more to come. In a pool all tags of the repository are listed for each page.
    /// </summary>
    internal async Task<NamePage> ListPageAsync(string? after, int limit, CancellationToken cancel = default)
    {
        if (!Layout.NamesSortAsKeys)
            return NamePage.Of(await ListAsync(null, cancel).ToListAsync(cancel), after, limit);
        var tags = new List<string>();
        var found = false;
        var query = QueryAfter(after);
        while (true)
        {
            // Two more: all digests of an algorithm are folded into one entry. What S3 lists at once is one request, so the
            // one or two that these entries take away from a full page are not worth another.
            var page = await Bucket.Store.ListAsync(query with { Limit = Math.Clamp(limit - tags.Count + 2, 1, MaxPage) }, cancel);
            tags.AddRange(NameList.NamesOf(page).Select(ReadTag).OfType<string>());
            found |= tags.Count > 0 || page.Prefixes.Any(prefix => prefix.AsSpan(query.Prefix.Length) is "sha256:" or "sha512:");
            if (tags.Count > limit)
                return new NamePage(tags[..limit], More: true, found);
            if (page.Continuation is null || (tags.Count > 0 && limit - tags.Count <= 2))
                return new NamePage(tags, page.Continuation is not null, found);
            query = query with { Continuation = page.Continuation };
        }
    }

    /// <summary>Makes a tag name a manifest that is stored under its digest. One PUT, in a pool two; in public buckets the static lists as well.</summary>
    /// <param name="manifest">What the tag names from now on.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="replaces">True if the tag is known to exist, so that it is listed already.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public async Task PutAsync(Manifest manifest, string tag, bool replaces = false, CancellationToken cancel = default)
    {
        foreach (var (key, headers, body) in Layout.TagCompanions(Name, tag))
            await Bucket.Store.PutAsync(key, new ReadOnlySequence<byte>(body), headers, PutCondition.None, cancel);
        if (Bucket.Settings.Public && !replaces)
            await Bucket.Lists.AddTagAsync(Name, tag, cancel);
        await _repository.Manifests.WriteAsync(manifest, Reference.Parse(tag), cancel);
        if (Bucket.Settings.Public)
            await Bucket.Lists.ConfirmTagAsync(Name, tag, expected: true, cancel);
    }

    /// <summary>Removes a tag, and only that: the manifest stays under its digest. False if there is no such tag. One HEAD and one DELETE, in a pool two.</summary>
    public async Task<bool> DeleteAsync(string tag, CancellationToken cancel = default)
    {
        var key = Layout.ManifestKey(Name, Reference.Parse(tag));
        var existed = await Bucket.Store.HeadAsync(key, cancel) is not null;
        if (existed)
        {
            await Bucket.Store.DeleteAsync(key, cancel);
            foreach (var (companion, _, _) in Layout.TagCompanions(Name, tag))
                await Bucket.Store.DeleteAsync(companion, cancel);
        }
        // Also where the tag is gone already: an earlier deletion may have been interrupted before this.
        if (Bucket.Settings.Public)
            await Bucket.Lists.ConfirmTagAsync(Name, tag, expected: false, cancel);
        return existed;
    }

    // The size is null where the layout folds a tag's object away.
    internal async IAsyncEnumerable<(string Tag, long? Size)> ListWithSizesAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var page in PagesAsync(null, cancel))
        {
            foreach (var prefix in page.Prefixes)
                if (ReadTag(prefix) is { } folded)
                    yield return (folded, null);
            foreach (var item in page.Objects)
                if (ReadTag(item.Key) is { } tag)
                    yield return (tag, item.Size);
        }
    }

    private IAsyncEnumerable<ListPage> PagesAsync(string? after, CancellationToken cancel) => Bucket.Store.ListPagesAsync(QueryAfter(after), cancel);

    private ListQuery QueryAfter(string? after) => Layout.TagQuery(Name) with { StartAfter = after is null ? null : Layout.TagStart(Name, after) };

    private string? ReadTag(string keyOrPrefix) => Layout.ReadTag(Name, keyOrPrefix);
}
