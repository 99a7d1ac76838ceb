using System.Buffers;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>
/// The lists a registry would compute and a bare bucket has to hold as objects: <c>tags/list</c>, <c>_catalog</c>,
/// and an (often empty) list of referrers for each manifest, since S3 may answer 403 for what is missing.
/// </summary>
/// <remarks>
/// A tag is listed before it is written and looked for again after: so an interrupted push leaves at most a name too
/// many, which the next try makes true, and a push that meets a deletion of the same tag never leaves it unlisted.
/// </remarks>
internal sealed class StaticLists(IObjectStore store, BucketLayout layout)
{
    private const int MaxSize = 64 << 20;

    /// <summary>What a pull asks for first: <c>GET /v2/</c>.</summary>
    public Task AddRootAsync(CancellationToken cancel) =>
        store.PutAsync(V2Layout.RootKey, new ReadOnlySequence<byte>("{}"u8.ToArray()), V2Layout.ListHeaders, PutCondition.None, cancel);

    /// <summary>Before a manifest is visible: its list of referrers exists. One PUT.</summary>
    public async Task AddManifestAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        var key = layout.ReferrersKey(repository, digest);
        try
        {
            await store.PutAsync(key, new ReadOnlySequence<byte>(ReferrerList.Empty), layout.ReferrersHeaders, PutCondition.IfAbsent, cancel);
        }
        catch (StoreException e) when (e.Error == StoreError.ConditionUnsupported)
        {
            await SmallObject.UpdateAsync(store, key, layout.ReferrersHeaders, MaxSize, current => current is null ? ReferrerList.Empty : null, cancel);
        }
    }

    /// <summary>Before a tag that was not there is written. The catalog comes first.</summary>
    public async Task AddTagAsync(RepositoryName repository, string tag, CancellationToken cancel)
    {
        await ChangeAsync(V2Layout.CatalogKey, names => names.Add(repository.ToString()), NameList.WriteCatalog, NameList.Repositories, cancel);
        await ChangeTagsAsync(repository, tags => tags.Add(tag), cancel);
    }

    /// <summary>After a tag was written or deleted: the list says of it what is so. One GET if it does.</summary>
    public async Task ConfirmTagAsync(RepositoryName repository, string tag, bool expected, CancellationToken cancel)
    {
        var list = await SmallObject.ReadAsync(store, V2Layout.TagListKey(repository), MaxSize, cancel);
        if (NameList.Read(list?.Bytes, NameList.Tags).Contains(tag) == expected)
            return;
        // Somebody deletes what we write, or the other way round. The tag itself is the truth, looked at again after
        // the list was made to agree: it may have changed on the way.
        for (var listed = !expected; ;)
        {
            var exists = await store.HeadAsync(layout.ManifestKey(repository, Reference.Parse(tag)), cancel) is not null;
            if (exists == listed)
                return;
            await ChangeTagsAsync(repository, tags => exists ? tags.Add(tag) : tags.Remove(tag), cancel);
            listed = exists;
        }
    }

    /// <summary>Makes a repository's list hold these tags, whatever it held.</summary>
    public async Task SetTagsAsync(RepositoryName repository, IReadOnlyCollection<string> tags, CancellationToken cancel)
    {
        await ChangeAsync(V2Layout.CatalogKey, names => names.Add(repository.ToString()), NameList.WriteCatalog, NameList.Repositories, cancel);
        await ChangeTagsAsync(
            repository,
            listed =>
            {
                if (listed.SetEquals(tags))
                    return false;
                listed.Clear();
                listed.UnionWith(tags);
                return true;
            },
            cancel);
    }

    private Task ChangeTagsAsync(RepositoryName repository, Func<SortedSet<string>, bool> change, CancellationToken cancel) =>
        ChangeAsync(V2Layout.TagListKey(repository), change, tags => NameList.WriteTags(repository, tags), NameList.Tags, cancel);

    private Task ChangeAsync(string key, Func<SortedSet<string>, bool> change, Func<SortedSet<string>, byte[]> write, string property, CancellationToken cancel) =>
        SmallObject.UpdateAsync(
            store, key, V2Layout.ListHeaders, MaxSize,
            current =>
            {
                var names = NameList.Read(current, property);
                return change(names) || current is null ? write(names) : null;
            },
            cancel);
}
