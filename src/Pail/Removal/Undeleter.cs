using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Oci;

namespace Pail.Removal;

/// <summary>Brings back what was removed: manifests before the indexes that name them, indexes before tags, with the lists of their referrers.</summary>
/// <remarks>
/// For each: a GET of what was kept, a HEAD for each blob, and what a push of the manifest or tag costs; what was kept is deleted at last. Killed at any step, a second run
/// finishes. It writes as a push does: what is condemned is rescued by that.
/// </remarks>
/// <param name="bucket">The bucket.</param>
/// <param name="by">Who brings it back; null for the user of this process.</param>
internal sealed class Undeleter(Bucket bucket, string? by = null)
{
    private const int MostCollections = 5;

    /// <summary>Brings back one tag or manifest, with the tags that went with it.</summary>
    /// <returns>What is back, as in addresses; what was there again already is not among it.</returns>
    /// <exception cref="PailException">A part of it is gone, or the tag names something else by now; nothing is changed.</exception>
    public async Task<IReadOnlyList<string>> RestoreAsync(Removed removed, CancellationToken cancel)
    {
        for (var collections = 0; ; collections++)
        {
            // All that is found is believed by the writes alone that come before the next collection ends.
            var repository = by is null ? bucket.Repository(removed.Repository) : bucket.Repository(removed.Repository).For(by);
            await repository.BeginAsync(cancel);
            try
            {
                return await RestoreAsync(repository, removed, cancel);
            }
            catch (CollectedException) when (collections < MostCollections)
            {
                // What was found may be gone: all of it is looked for again.
            }
        }
    }

    private async Task<IReadOnlyList<string>> RestoreAsync(Repository repository, Removed removed, CancellationToken cancel)
    {
        if (removed.Keys.Count == 0)
            return await RescueAsync(repository, removed, cancel);
        // Brought back with something else.
        if (await bucket.Store.HeadAsync(removed.Keys[0], cancel) is null)
            return [];
        var entry = await RemovedEntry.ReadAsync(bucket, removed.Keys[0], cancel)
            ?? throw new PailException(Failure.BadContent, $"{bucket.Name}, {removed}: what was kept of it ({removed.Keys[0]}) is damaged.");
        var restore = new ManifestRestore(repository);
        var manifest = await restore.PlanAsync(removed.ToString(), entry, removed.Reference.Digest, cancel);
        if (removed.Reference.Tag is { } tag)
        {
            var now = await repository.Tags.LookAsync(tag, cancel);
            if (now.Exists && !now.Is(manifest))
                throw Taken(removed, now, manifest);
            await restore.RunAsync(cancel);
            // Otherwise brought back by a run that was interrupted.
            if (!now.Exists && !await repository.Tags.RestoreAsync(manifest, tag, MovesOf(repository, removed, entry, manifest), cancel))
                throw Taken(removed, await repository.Tags.LookAsync(tag, cancel), manifest);
            await ForgetAsync(removed.Keys, cancel);
            return now.Exists ? [] : [removed.ToString()];
        }
        List<string> back = [.. await restore.RunAsync(cancel)];
        // The tags that went with it; those that name something else by now stay as they are.
        var tags = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var key in removed.Keys)
            tags.UnionWith((await RemovedEntry.ReadAsync(bucket, key, cancel))?.Tags ?? []);
        foreach (var with in tags.Select(Reference.Parse))
            if (await Undeletion.KeysOfAsync(bucket, removed.Repository, with, cancel) is { Count: > 0 } keys
                && await RemovedEntry.ReadAsync(bucket, keys[0], cancel) is { } kept && kept.Manifest.AsSpan().SequenceEqual(manifest.Bytes.Span)
                && !(await repository.Tags.LookAsync(with.Tag!, cancel)).Exists)
                back.AddRange(await RestoreAsync(repository, new(removed.Repository, with, keys), cancel));
        await ForgetAsync(removed.Keys, cancel);
        return back;
    }

    // Written again as it is: by that it is needed, and younger than the collection.
    private async Task<IReadOnlyList<string>> RescueAsync(Repository repository, Removed removed, CancellationToken cancel)
    {
        if (await repository.Manifests.GetAsync(removed.Reference, cancel) is { } manifest)
        {
            if (await repository.Manifests.FindMissingAsync(manifest, cancel) is { Count: > 0 } missing)
                throw Gone(removed.ToString(), missing);
            if (await repository.Manifests.FindAsync(Reference.Of(manifest.Digest), cancel) is null || removed.Reference.Digest is not null)
                await repository.Manifests.PutAsync(manifest, cancel);
            if (removed.Reference.Tag is { } tag)
                await repository.Tags.PutAsync(manifest, tag, await repository.Tags.LookAsync(tag, cancel), cancel);
            return [removed.ToString()];
        }
        if (removed.Reference.Digest is not { } digest || await repository.Blobs.FindAsync(digest, cancel) is null)
            throw new PailException(Failure.NotFound, $"{bucket.Name}, {removed}: it is gone.");
        await repository.WriteAsync([repository.Blobs.KeyOf(digest)], _ => Task.CompletedTask, cancel);
        return [removed.ToString()];
    }

    // What it was, that it was removed, and that it is back.
    private IReadOnlyList<TagMove> MovesOf(Repository repository, Removed removed, RemovedEntry entry, Manifest manifest) =>
        [new(null, bucket.Now, repository.By), new(manifest.Digest, removed.Time!.Value, entry.By ?? ""), .. TagHistory.Parse(entry.History)];

    private async Task ForgetAsync(IReadOnlyList<string> keys, CancellationToken cancel)
    {
        foreach (var key in keys)
            await bucket.Store.DeleteAsync(key, cancel);
    }

    private PailException Taken(Removed removed, TagState now, Manifest manifest) =>
        new(Failure.Conflict, $"{bucket.Name}, {removed} is {now.Names?.Digest.ToString() ?? "something else"} by now. 'pail undelete' of {removed.Repository}@{manifest.Digest} brings back what it was, and 'pail tag' names it.");

    private PailException Gone(string what, IReadOnlyList<Digest> missing) => ManifestRestore.Gone($"{bucket.Name}, {what}", missing);
}
