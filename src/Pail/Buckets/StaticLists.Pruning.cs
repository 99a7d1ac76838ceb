using Pail.Buckets.Layouts;
using Pail.Oci;

namespace Pail.Buckets;

// After many tags, or whole repositories, were removed.
internal sealed partial class StaticLists
{
    /// <summary>The repositories that the catalog names. One GET.</summary>
    public async Task<IReadOnlyList<RepositoryName>> ListRepositoriesAsync(CancellationToken cancel) =>
    [
        .. NameList.Read((await SmallObject.ReadAsync(_store, V2Layout.CatalogKey, MaxSize, cancel))?.Bytes, NameList.Repositories)
            .Select(name => RepositoryName.TryParse(name, out var read) ? read : (RepositoryName?)null).OfType<RepositoryName>(),
    ];

    /// <summary>Makes the lists name no tag that these patterns match and that is not there, and no repository that was removed whole. One GET, and for each repository that can match one GET and one LIST; more for what changes.</summary>
    /// <returns>How many names were dropped.</returns>
    public async Task<int> PruneAsync(IReadOnlyList<ImagePattern> images, IReadOnlyCollection<RepositoryName> removed, CancellationToken cancel)
    {
        var dropped = 0;
        foreach (var repository in (await ListRepositoriesAsync(cancel)).Where(name => images.Any(image => image.Matches(name))))
        {
            dropped += await PruneAsync(repository, cancel);
            if (removed.Contains(repository) && await TryRemoveRepositoryAsync(repository, cancel))
                dropped++;
        }
        return dropped;
    }

    /// <summary>Makes the list of a repository name no tag that is not there. One GET and one LIST; more for what changes.</summary>
    /// <returns>How many names were dropped.</returns>
    public async Task<int> PruneAsync(RepositoryName repository, CancellationToken cancel)
    {
        var listed = NameList.Read((await SmallObject.ReadAsync(_store, V2Layout.TagListKey(repository), MaxSize, cancel))?.Bytes, NameList.Tags);
        if (listed.Count == 0)
            return 0;
        listed.ExceptWith(await TagsAsync(repository, cancel));
        await RemoveTagsAsync(repository, listed, cancel);
        return listed.Count;
    }

    // Looked at again afterwards: one may have been pushed meanwhile.
    private async Task RemoveTagsAsync(RepositoryName repository, SortedSet<string> tags, CancellationToken cancel)
    {
        if (tags.Count == 0)
            return;
        await ChangeTagsAsync(repository, listed => listed.RemoveWhere(tags.Contains) > 0, cancel);
        foreach (var tag in (await TagsAsync(repository, cancel)).Where(tags.Contains))
            await ConfirmTagAsync(repository, tag, expected: true, cancel);
    }

    private async Task<bool> TryRemoveRepositoryAsync(RepositoryName repository, CancellationToken cancel)
    {
        if ((await TagsAsync(repository, cancel)).Count > 0)
            return false;
        await _store.DeleteAsync(V2Layout.TagListKey(repository), cancel);
        await ChangeAsync(V2Layout.CatalogKey, names => names.Remove(repository.ToString()), NameList.WriteCatalog, NameList.Repositories, cancel);
        // Somebody may have pushed meanwhile.
        if (await TagsAsync(repository, cancel) is { Count: > 0 } again)
            await SetTagsAsync(repository, again, cancel);
        return true;
    }

    private async Task<List<string>> TagsAsync(RepositoryName repository, CancellationToken cancel) => await bucket.Repository(repository).Tags.ListAsync(null, cancel).ToListAsync(cancel);
}
