using System.Collections.Concurrent;
using Pail.Buckets;
using Pail.Oci;

namespace Pail.Removal;

/// <summary>Writes a manifest that was removed, and those below it that were removed as well, the lowest first.</summary>
/// <param name="repository">Where.</param>
internal sealed class ManifestRestore(Repository repository)
{
    private readonly ConcurrentDictionary<Digest, (Manifest Manifest, IReadOnlyList<string> Keys)> _removed = new();
    private Manifest? _root;

    /// <summary>What says that parts are gone.</summary>
    public static PailException Gone(string what, IReadOnlyList<Digest> missing) =>
        new(Failure.NotFound, $"{what} can't be brought back: {missing.Count} of its parts {(missing.Count == 1 ? "is" : "are")} gone, {missing[0]}{(missing.Count > 1 ? " among them" : "")}.");

    /// <summary>Reads all that is needed, and changes nothing.</summary>
    /// <param name="name">What is brought back, for messages.</param>
    /// <param name="entry">What was kept of it.</param>
    /// <param name="digest">What it must be; null for a tag.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="PailException">A part is gone (<see cref="Failure.NotFound"/>), or what was kept is damaged.</exception>
    public async Task<Manifest> PlanAsync(string name, RemovedEntry entry, Digest? digest, CancellationToken cancel)
    {
        _root = Manifest.Parse(entry.Manifest, entry.MediaType, digest?.Algorithm ?? DigestAlgorithm.Sha256);
        if (digest is { } stated && _root.Digest != stated)
            throw new PailException(Failure.BadContent, $"{repository.Bucket.Name}, {name}: what was kept of it is damaged.");
        return await MissingParts.FindAsync(repository, _root, ReadAsync, cancel) is { Count: > 0 } missing ? throw Gone($"{repository.Bucket.Name}, {name}", missing) : _root;
    }

    /// <summary>Writes them. What a push of each costs.</summary>
    /// <returns>Those that were not there, as in addresses.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancel)
    {
        List<string> back = [];
        HashSet<Digest> done = [];
        await WriteAsync(_root!, cancel);
        await repository.Bucket.Holds.AddImageAsync(repository, _root!.Digest, anyway: true, cancel);
        return back;

        async Task WriteAsync(Manifest manifest, CancellationToken cancel)
        {
            if (!done.Add(manifest.Digest))
                return;
            foreach (var child in manifest.Children)
                if (_removed.TryGetValue(child.Digest, out var removed))
                {
                    await WriteAsync(removed.Manifest, cancel);
                    foreach (var key in removed.Keys)
                        await repository.Bucket.Store.DeleteAsync(key, cancel);
                }
            var isThere = await repository.Manifests.HeadAsync(Reference.Of(manifest.Digest), cancel) is not null;
            // Also if it is: a removal that was interrupted may have taken away the lists it is in.
            await repository.Manifests.PutAsync(manifest, cancel);
            if (!isThere)
                back.Add($"{repository.Name}@{manifest.Digest}");
        }
    }

    private async Task<Manifest?> ReadAsync(Digest digest, CancellationToken cancel)
    {
        if (await repository.Manifests.GetAsync(Reference.Of(digest), cancel) is { } there)
            return there;
        if (await Undeletion.KeysOfAsync(repository.Bucket, repository.Name, Reference.Of(digest), cancel) is not { Count: > 0 } keys || await RemovedEntry.ReadAsync(repository.Bucket, keys[0], cancel) is not { } entry)
            return null;
        var manifest = Manifest.Parse(entry.Manifest, entry.MediaType, digest.Algorithm);
        if (manifest.Digest != digest)
            return null;
        _removed[digest] = (manifest, keys);
        return manifest;
    }
}
