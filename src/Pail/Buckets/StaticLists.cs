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
/// On a store that keeps no conditions lists are made of what the bucket holds, after the tag was written or deleted, until they agree
/// with it (<see cref="SmallObject.DeriveAsync"/>).
/// </remarks>
internal sealed partial class StaticLists(Bucket bucket)
{
    private const int MaxSize = 64 << 20;

    private readonly IObjectStore _store = bucket.Store;
    private readonly BucketLayout _layout = bucket.Layout;

    /// <summary>What a pull asks for first: <c>GET /v2/</c>. False if the store takes no key that ends in a slash.</summary>
    public async Task<bool> AddRootAsync(CancellationToken cancel)
    {
        try
        {
            await _store.PutAsync(V2Layout.RootKey, new ReadOnlySequence<byte>("{}"u8.ToArray()), V2Layout.ListHeaders, PutCondition.None, cancel);
            return true;
        }
        catch (StoreException e) when (e.Error is StoreError.Rejected or StoreError.Unsupported)
        {
            return false;
        }
    }

    /// <summary>Before a manifest is visible: its list of referrers exists. One PUT; a GET before it where the store keeps no conditions.</summary>
    public async Task AddManifestAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        var key = _layout.ReferrersKey(repository, digest);
        var conditions = await bucket.Conditions.KnowAsync(cancel);
        try
        {
            if (conditions.IfAbsent)
            {
                await _store.PutAsync(key, new ReadOnlySequence<byte>(ReferrerList.Empty), _layout.ReferrersHeaders, PutCondition.IfAbsent, cancel);
                return;
            }
        }
        catch (StoreException e) when (e.Error == StoreError.ConditionUnsupported)
        {
            conditions = conditions with { IfAbsent = false };
        }
        await SmallObject.UpdateAsync(_store, key, _layout.ReferrersHeaders, MaxSize, conditions, current => current is null ? ReferrerList.Empty : null, cancel);
    }

    /// <summary>Before a tag that was not there is written. The catalog comes first.</summary>
    public async Task AddTagAsync(RepositoryName repository, string tag, CancellationToken cancel)
    {
        if (await bucket.Conditions.KnowAsync(cancel) == WriteConditions.Both)
            await ListAsync(repository, tag, cancel);
    }

    /// <summary>After a tag was written or deleted: the list says of it what is so. One GET if it does.</summary>
    public async Task ConfirmTagAsync(RepositoryName repository, string tag, bool expected, CancellationToken cancel)
    {
        if (await bucket.Conditions.KnowAsync(cancel) != WriteConditions.Both)
        {
            if (await TryDeriveAsync(repository, cancel))
                return;
            if (expected)
                await ListAsync(repository, tag, cancel);
        }
        var list = await SmallObject.ReadAsync(_store, V2Layout.TagListKey(repository), MaxSize, cancel);
        if (NameList.Read(list?.Bytes, NameList.Tags).Contains(tag) == expected)
            return;
        // Somebody deletes what we write, or the other way round. The tag itself is the truth, looked at again after
        // the list was made to agree: it may have changed on the way.
        for (var listed = !expected; ;)
        {
            var exists = await _store.HeadAsync(_layout.ManifestKey(repository, Reference.Parse(tag)), cancel) is not null;
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

    // Lists what the bucket holds, which no writer can take away. False if it can't be listed.
    private async Task<bool> TryDeriveAsync(RepositoryName repository, CancellationToken cancel)
    {
        try
        {
            await SmallObject.DeriveAsync(
                _store, V2Layout.TagListKey(repository), V2Layout.ListHeaders, MaxSize,
                async () => NameList.WriteTags(repository, await bucket.Repository(repository).Tags.ListAsync(null, cancel).ToListAsync(cancel)), cancel);
            var catalog = await SmallObject.ReadAsync(_store, V2Layout.CatalogKey, MaxSize, cancel);
            if (!NameList.Read(catalog?.Bytes, NameList.Repositories).Contains(repository.ToString()))
                await SmallObject.DeriveAsync(
                    _store, V2Layout.CatalogKey, V2Layout.ListHeaders, MaxSize,
                    async () => NameList.WriteCatalog((await bucket.ListRepositoriesAsync(null, cancel).ToListAsync(cancel)).Select(name => name.ToString()).Append(repository.ToString()).ToHashSet().Order(StringComparer.Ordinal)), cancel);
            return true;
        }
        catch (StoreException e) when (e.Error == StoreError.AccessDenied)
        {
            return false;
        }
    }

    private async Task ListAsync(RepositoryName repository, string tag, CancellationToken cancel)
    {
        await ChangeAsync(V2Layout.CatalogKey, names => names.Add(repository.ToString()), NameList.WriteCatalog, NameList.Repositories, cancel);
        await ChangeTagsAsync(repository, tags => tags.Add(tag), cancel);
    }

    private Task ChangeTagsAsync(RepositoryName repository, Func<SortedSet<string>, bool> change, CancellationToken cancel) =>
        ChangeAsync(V2Layout.TagListKey(repository), change, tags => NameList.WriteTags(repository, tags), NameList.Tags, cancel);

    private async Task ChangeAsync(string key, Func<SortedSet<string>, bool> change, Func<SortedSet<string>, byte[]> write, string property, CancellationToken cancel) =>
        await SmallObject.UpdateAsync(
            _store, key, V2Layout.ListHeaders, MaxSize, await bucket.Conditions.KnowAsync(cancel),
            current =>
            {
                var names = NameList.Read(current, property);
                return change(names) || current is null ? write(names) : null;
            },
            cancel);
}
