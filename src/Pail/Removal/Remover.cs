using System.Collections.Concurrent;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Removal;

/// <summary>
/// Does what a <see cref="RemovalPlan"/> says: keeps each tag and manifest to be brought back, then removes them in batches, tags before manifests and
/// manifests before those they name. Killed at any step, a second run finishes.
/// </summary>
/// <remarks>A GET and a PUT for each tag and manifest, a DeleteObjects for each 1,000; in public buckets the static lists as well.</remarks>
/// <param name="bucket">The bucket.</param>
/// <param name="purge">Nothing is kept to be brought back.</param>
internal sealed class Remover(Bucket bucket, bool purge)
{
    private const int AtOnce = 16;
    private const int Batch = 1000;

    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private readonly ConcurrentBag<string> _kept = [];
    private readonly List<(string What, PailException Why)> _failed = [];
    private readonly SortedSet<string> _removed = new(StringComparer.Ordinal);
    private readonly HashSet<Node> _needed = [];

    /// <summary>Ends the work if something is not there that was named by itself.</summary>
    /// <exception cref="PailException">It is not (<see cref="Failure.NotFound"/>); nothing is removed.</exception>
    public async Task RequireAllAsync(RemovalPlan plan, IReadOnlyList<ImagePattern> images, CancellationToken cancel)
    {
        if (plan.Missing is not [var first, ..])
            return;
        // An earlier removal may have been interrupted before it came to the lists.
        if (bucket.Settings.Public)
            await bucket.Lists.PruneAsync(images, plan.Repositories, cancel);
        throw new PailException(Failure.NotFound, $"{bucket.Name}, {first} Nothing was removed.");
    }

    /// <summary>Removes what the plan says. What the store refuses to remove is told, and what names it or is named by it stays as it must.</summary>
    /// <param name="plan">What to remove.</param>
    /// <param name="images">What was asked for; static lists are made to agree with it.</param>
    /// <param name="cancel">Ends the attempt; what is removed by then is removed.</param>
    public async Task<RemovalReport> RunAsync(RemovalPlan plan, IReadOnlyList<ImagePattern> images, CancellationToken cancel)
    {
        var going = new ConcurrentDictionary<PlannedRemoval, bool>();
        await Concurrently.ForEachAsync(plan.Manifests.Concat(plan.Tags), AtOnce, async item =>
        {
            if (await PrepareAsync(plan, item, cancel))
                going[item] = true;
        });
        await RemoveAsync([.. plan.Tags.Where(going.ContainsKey)], cancel);
        var busy = await FindBusyAsync(plan, cancel);
        foreach (var item in plan.Manifests.Where(item => going.ContainsKey(item) && busy.Contains(item.Repository)))
            _kept.Add(item.ToString());
        var manifests = plan.Manifests.Where(item => going.ContainsKey(item) && !busy.Contains(item.Repository)).ToDictionary(item => item.Node!);
        foreach (var level in Mark.Levels(manifests.Keys))
            await RemoveAsync([.. level.Select(node => manifests[node])], cancel);
        await DeleteAsync([.. plan.Lists.Where(key => _failed.Count == 0 && !busy.Contains(bucket.Layout.Read(key).Repository!.Value))], _ => { }, (key, error) => _failed.Add((key, error)), cancel);
        var mended = bucket.Settings.Public ? await bucket.Lists.PruneAsync(images, [.. plan.Repositories.Where(name => _failed.Count == 0 && !busy.Contains(name))], cancel) : 0;
        return new([.. _removed], [.. _kept.Order(StringComparer.Ordinal)], _failed) { Mended = mended };
    }

    // Where somebody pushed a tag since the plan was made, what manifests are needed is not known any more. One LIST for each repository.
    private async Task<HashSet<RepositoryName>> FindBusyAsync(RemovalPlan plan, CancellationToken cancel)
    {
        var busy = new HashSet<RepositoryName>();
        var removed = plan.Tags.Where(tag => _removed.Contains(tag.ToString())).Select(tag => bucket.Layout.ManifestKey(tag.Repository, tag.Reference)).ToHashSet();
        foreach (var repository in plan.Manifests.Select(item => item.Repository).Distinct())
            await foreach (var (meaning, entry) in bucket.ListItemsAsync(bucket.Layout.TagsQuery($"{repository}/"), cancel))
                if (meaning is { Kind: KeyKind.Tag, Repository: { } name } && name == repository && (removed.Contains(entry.Key) || !plan.Seen.Contains((entry.Key, entry.ETag))))
                    busy.Add(repository);
        return busy;
    }

    // Keeps it to be brought back, and takes it off the list of its subject. False if it is gone, or another than the one planned.
    private async Task<bool> PrepareAsync(RemovalPlan plan, PlannedRemoval item, CancellationToken cancel)
    {
        var repository = bucket.Repository(item.Repository);
        var found = item.Found;
        if (found is null)
        {
            (var exists, found) = await RemovedEntry.LoadAsync(bucket, repository.Manifests.KeyOf(item.Reference), cancel);
            if (!exists)
                return false;
            if (found is not null && item.ETag.Length > 0 && found.Info.ETag != item.ETag)
            {
                _kept.Add(item.ToString());
                return false;
            }
        }
        if (!purge)
        {
            List<string> tags = item.Node is null || item.Reference.Digest is null ? [] : [.. plan.Tags.Where(tag => tag.Repository == item.Repository && tag.Node is { } node && node.Parts is [var first, ..] && first == item.Node).Select(tag => tag.Reference.Tag!)];
            await RemovedEntry.KeepAsync(repository, item.Reference, found, tags, cancel);
        }
        if (item.Reference.Digest is { } digest && found is not null && !plan.Repositories.Contains(item.Repository) && Link.Read(found.Bytes, found.Info.ContentType)?.Links is { } links)
            foreach (var subject in links.Where(link => link.Kind == LinkKind.Subject))
                await repository.Referrers.ChangeAsync(subject.Digest, list => ReferrerList.Remove(list, digest), cancel);
        return true;
    }

    private async Task RemoveAsync(IReadOnlyList<PlannedRemoval> items, CancellationToken cancel)
    {
        var wanted = items.Where(item => item.Node is null || !_needed.Contains(item.Node)).ToList();
        var byKey = new Dictionary<string, PlannedRemoval>();
        var companions = new List<string>();
        foreach (var item in wanted)
        {
            byKey[bucket.Repository(item.Repository).Manifests.KeyOf(item.Reference)] = item;
            if (item.Reference.Tag is { } tag)
                companions.AddRange(bucket.Layout.TagCompanions(item.Repository, tag).Select(companion => companion.Key));
        }
        await DeleteAsync([.. byKey.Keys], key => _removed.Add(byKey[key].ToString()), Fail, cancel);
        await DeleteAsync(companions, _ => { }, (key, error) => _failed.Add((key, error)), cancel);

        void Fail(string key, StoreException error)
        {
            _failed.Add((byKey[key].ToString(), error));
            if (byKey[key].Node is { } node)
                _needed.UnionWith(Mark.From([node]));
        }
    }

    private async Task DeleteAsync(IReadOnlyList<string> keys, Action<string> removed, Action<string, StoreException> failed, CancellationToken cancel)
    {
        foreach (var batch in keys.Chunk(Batch))
        {
            // The store tells of each key; opened for each batch, a fence never expires on the way.
            using var fence = bucket.Store.Abilities.Fences is { } fences ? await fences.OpenFenceAsync(Life, cancel) : new OpenFences(bucket.Store, null);
            var errors = (await fence.DeleteAsync(batch, cancel)).ToDictionary(item => item.Key, item => item.Error);
            foreach (var key in batch)
                if (errors.TryGetValue(key, out var error))
                    failed(key, error);
                else
                    removed(key);
        }
    }
}
