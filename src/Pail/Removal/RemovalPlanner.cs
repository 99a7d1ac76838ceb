using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Removal;

/// <summary>Reads what is to be removed, and what else is about it, and removes nothing.</summary>
/// <remarks>
/// A tag named by itself: one GET. Patterns: one LIST for each 1,000 tags of the repositories that can match. A repository or a digest: a LIST for each 1,000
/// objects of the repository (in a pool, for a digest, of the bucket), and a GET for each manifest and tag that the last collection does not remember.
/// </remarks>
/// <param name="bucket">The bucket.</param>
/// <param name="before">Only what was written before this; null for all.</param>
internal sealed class RemovalPlanner(Bucket bucket, DateTimeOffset? before)
{
    private readonly RemovalPlan _plan = new();
    private readonly HashSet<(RepositoryName, Reference)> _planned = [];
    private LinkMemory? _memory;

    /// <summary>Reads all that the patterns name.</summary>
    /// <exception cref="PailException">Something else needs what is named by its digest, or the store failed.</exception>
    public async Task<RemovalPlan> PlanAsync(IReadOnlyList<ImagePattern> images, CancellationToken cancel)
    {
        var digests = new List<(RepositoryName, Digest)>();
        foreach (var image in images)
        {
            if (image is { Digest: { } digest, Repository: { } holder })
                digests.Add((holder, digest));
            else if (image is { Repository: { } name, Tag: { } tag })
                await AddTagAsync(name, tag, cancel);
            else if (image.IsOfRepositories && before is null)
                await AddRepositoriesAsync(image, cancel);
            else
                await AddTagsAsync(image, cancel);
        }
        // Last: what goes with others needs nobody any more.
        foreach (var (repository, at) in digests.GroupBy(item => item.Item1, item => item.Item2).Select(group => (group.Key, group.ToList())))
            await new DigestPlanner(bucket, await MemoryAsync(cancel), _plan, Add, before).PlanAsync(repository, at, cancel);
        return _plan;
    }

    private async Task AddTagAsync(RepositoryName name, string tag, CancellationToken cancel)
    {
        var (exists, found) = await RemovedEntry.LoadAsync(bucket, bucket.Layout.ManifestKey(name, Reference.Parse(tag)), cancel);
        if (!exists)
        {
            _plan.Missing.Add($"{name}:{tag}: no such tag.");
            return;
        }
        await ImmutableImages.RequireMortalAsync(bucket.Repository(name), tag, cancel);
        Add(new(name, Reference.Parse(tag), found?.Info.ETag ?? "") { Found = found }, found?.Info.Modified ?? default);
    }

    private async Task AddTagsAsync(ImagePattern image, CancellationToken cancel)
    {
        _plan.NeedsConsent = true;
        var immutable = await bucket.ImmutableAsync(cancel);
        await foreach (var (meaning, entry) in bucket.ListItemsAsync(bucket.Layout.TagsQuery(image.Prefix), cancel))
            if (meaning is { Kind: KeyKind.Tag, Repository: { } name, Tag: { } tag } && image.Matches(name, tag))
                if (immutable.FindLasting(name, tag) is { } rule)
                    _plan.Notes.Add($"{name}:{tag} stays: it is immutable ({rule})");
                else
                    Add(new(name, Reference.Parse(tag), entry.ETag), entry.Modified);
    }

    private async Task AddRepositoriesAsync(ImagePattern image, CancellationToken cancel)
    {
        _plan.NeedsConsent = true;
        var names = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var page in bucket.Store.ListPagesAsync(bucket.Layout.TagsQuery(image.Prefix), cancel))
            foreach (var key in page.Objects.Select(item => item.Key).Concat(page.Prefixes))
                if ((bucket.Layout.ReadRepository(key) ?? bucket.Layout.Read(key).Repository) is { } name && image.Matches(name))
                    names.Add(name.ToString());
        // A removal that was interrupted may have left no more than lists.
        if (image.Repository is { } only)
            names.Add(only.ToString());
        foreach (var name in names.Select(RepositoryName.Parse))
            if (await FindImmutableAsync(name, cancel) is not { } kept)
                await AddRepositoryAsync(name, cancel);
            else if (image.Repository is not null)
                throw ImmutableImages.Refuse(bucket.Repository(name), $"{name} stays, and nothing is removed: {kept}.");
            else
                _plan.Notes.Add($"{name} stays: {kept}");
        if (image.Repository is { } missing && _plan.IsEmpty && !await IsListedAsync(missing, cancel))
            _plan.Missing.Add($"{missing}: no such repository.");
    }

    // With a tag that stays, all that it needs stays.
    private async Task<string?> FindImmutableAsync(RepositoryName name, CancellationToken cancel)
    {
        var immutable = await bucket.ImmutableAsync(cancel);
        if (immutable.FindLasting(name) is null)
            return null;
        var tags = await bucket.Repository(name).Tags.ListAsync(null, cancel).Where(tag => immutable.FindLasting(name, tag) is not null).ToListAsync(cancel);
        return tags.Count == 0 ? null : $"it has immutable tags ({immutable.FindLasting(name, tags[0])}), {tags[0]}{(tags.Count > 1 ? $" and {tags.Count - 1} more" : "")}";
    }

    private async Task<bool> IsListedAsync(RepositoryName name, CancellationToken cancel) => bucket.Settings.Public && (await bucket.Lists.ListRepositoriesAsync(cancel)).Contains(name);

    private async Task AddRepositoryAsync(RepositoryName name, CancellationToken cancel)
    {
        _plan.Repositories.Add(name);
        if (bucket.Layout.OwnPrefix(name) is not { Length: > 0 } prefix)
        {
            await AddTagsAsync(ImagePattern.Parse($"{name}:*"), cancel);
            await foreach (var (_, entry) in bucket.ListItemsAsync(new ListQuery($"referrers/{name}/"), cancel).Where(item => item.Meaning is { Kind: KeyKind.Referrers, Repository: { } own } && own == name))
                _plan.Lists.Add(entry.Key);
            _plan.Notes.Add($"manifests of {name} stay under their digests, which all repositories of the bucket share; 'pail gc --untagged-after' removes those that nothing needs");
            return;
        }
        var map = await BucketMap.ReadAsync(bucket, await MemoryAsync(cancel), new CollectOptions(), cancel, prefix);
        _plan.See(map);
        foreach (var node in map.Nodes.Where(node => node.Repository == name).OrderBy(node => node.Key, StringComparer.Ordinal))
            switch (bucket.Layout.Read(node.Key))
            {
                case { Kind: KeyKind.Tag, Tag: { } tag }:
                    Add(new(name, Reference.Parse(tag), RemovalPlan.EtagOf(node)) { Node = node }, node.Modified);
                    break;
                case { Kind: KeyKind.Manifest, Digest: { } digest }:
                    Add(new(name, Reference.Of(digest), "") { Node = node }, node.Modified);
                    break;
                case { Kind: KeyKind.Referrers }:
                    _plan.Lists.Add(node.Key);
                    break;
            }
    }

    private async Task<LinkMemory> MemoryAsync(CancellationToken cancel) => _memory ??= await LinkMemory.ReadAsync(bucket, cancel);

    private void Add(PlannedRemoval removal, DateTimeOffset written)
    {
        if (before is { } time && written >= time)
        {
            _plan.Notes.Add($"{removal} stays: it was written after {TagRollback.Written(time)}");
            return;
        }
        if (_planned.Add((removal.Repository, removal.Reference)))
            (removal.Reference.Digest is null ? _plan.Tags : _plan.Manifests).Add(removal);
    }
}
