using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Pail.Oci;

/// <summary>One entry of an index.</summary>
/// <param name="Index">The index that lists it.</param>
/// <param name="Position">Its place in that list, from 0.</param>
/// <param name="Descriptor">What the index says of it.</param>
/// <param name="Manifest">The manifest, if the walk read it; null for an entry that was passed over or visited before.</param>
internal sealed record GraphEntry(Manifest Index, int Position, Descriptor Descriptor, Manifest? Manifest);

/// <summary>
/// The manifests of one image: its indexes, what they list, and what refers to it. Reads each manifest once, within
/// <see cref="GraphLimits"/>; an index that lists the same manifest many times costs no more than one that lists it once.
/// </summary>
/// <param name="name">The address, for messages.</param>
/// <param name="read">Reads the manifest a descriptor names, and verifies it.</param>
internal sealed class ManifestGraph(string name, Func<Descriptor, CancellationToken, Task<Manifest>> read)
{
    private readonly ConcurrentDictionary<Digest, Lazy<Task<Manifest>>> _read = new();
    private readonly HashSet<Digest> _named = [];
    private long _bytes;

    /// <summary>Returns a manifest; reads it if it was not read before.</summary>
    /// <exception cref="PailException">What reading throws, or <see cref="Failure.BadContent"/>: a limit is exceeded.</exception>
    public Task<Manifest> GetAsync(Descriptor descriptor, CancellationToken cancel)
    {
        Expect([descriptor]);
        return _read.GetOrAdd(descriptor.Digest, _ => new(() => read(descriptor, cancel))).Value;
    }

    /// <summary>Returns the root and all manifests below it, parents first, each once.</summary>
    public async IAsyncEnumerable<Manifest> WalkAsync(Manifest root, [EnumeratorCancellation] CancellationToken cancel)
    {
        yield return root;
        await foreach (var entry in EntriesAsync(root, static _ => true, cancel))
            if (entry.Manifest is { } manifest)
                yield return manifest;
    }

    /// <summary>Returns the entries of an index in order; after an entry that is an index and is opened, first what that lists.</summary>
    /// <param name="root">The index. An image manifest has no entries.</param>
    /// <param name="opens">Which manifests to read.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async IAsyncEnumerable<GraphEntry> EntriesAsync(Manifest root, Func<Descriptor, bool> opens, [EnumeratorCancellation] CancellationToken cancel)
    {
        var opened = new HashSet<Digest> { root.Digest };
        var open = new Stack<(Manifest Index, int Next)>();
        Enter(root, 0);
        open.Push((root, 0));
        while (open.TryPop(out var at))
        {
            if (at.Next == at.Index.Manifests.Count)
                continue;
            open.Push((at.Index, at.Next + 1));
            var descriptor = at.Index.Manifests[at.Next];
            var manifest = MediaTypes.IsManifest(descriptor.MediaType) && opens(descriptor) && opened.Add(descriptor.Digest) ? await GetAsync(descriptor, cancel) : null;
            yield return new(at.Index, at.Next, descriptor, manifest);
            if (manifest is not { IsIndex: true })
                continue;
            Enter(manifest, open.Count);
            open.Push((manifest, 0));
        }
    }

    /// <summary>Follows one entry of each index down to an image; null where none is chosen.</summary>
    public async Task<Manifest?> DescendAsync(Manifest root, Func<Manifest, Task<Descriptor?>> choose, CancellationToken cancel)
    {
        var manifest = root;
        for (var depth = 0; manifest.IsIndex; depth++)
        {
            Enter(manifest, depth);
            if (await choose(manifest) is not { } child)
                return null;
            manifest = await GetAsync(child, cancel);
        }
        return manifest;
    }

    /// <summary>Visits the root and all below it, each once, siblings at the same time, children before their parents.</summary>
    /// <param name="root">Where to begin.</param>
    /// <param name="enter">Called before the children are read; false leaves out the manifest and what is below it.</param>
    /// <param name="leave">Called when all children have been left.</param>
    /// <param name="cancel">Interrupts it.</param>
    public Task VisitAsync(Manifest root, Func<Manifest, Task<bool>> enter, Func<Manifest, Task> leave, CancellationToken cancel)
    {
        var visits = new ConcurrentDictionary<Digest, Lazy<Task>>();
        return VisitAsync(root, 0);

        async Task VisitAsync(Manifest manifest, int depth)
        {
            Enter(manifest, depth);
            if (!await enter(manifest))
                return;
            await Task.WhenAll(manifest.Children.Select(child => visits.GetOrAdd(child.Digest, _ => new(() => ReadAndVisitAsync(child, depth + 1))).Value));
            await leave(manifest);
        }

        async Task ReadAndVisitAsync(Descriptor child, int depth) => await VisitAsync(await GetAsync(child, cancel), depth);
    }

    /// <summary>Visits the root, all that its indexes list, and then, level by level, what the visits find to refer to them; each once.</summary>
    /// <param name="root">Where to begin.</param>
    /// <param name="visit">Returns the manifests that refer to one. Called for up to <paramref name="atOnce"/> at the same time.</param>
    /// <param name="atOnce">How many.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task VisitReferrersAsync(Manifest root, Func<Digest, CancellationToken, Task<IEnumerable<Digest>>> visit, int atOnce, CancellationToken cancel)
    {
        var seen = new HashSet<Digest> { root.Digest };
        var level = new List<Digest> { root.Digest };
        await foreach (var entry in EntriesAsync(root, static entry => MediaTypes.IsIndex(entry.MediaType), cancel))
            if (seen.Add(entry.Descriptor.Digest))
                level.Add(entry.Descriptor.Digest);
        for (var depth = 0; level.Count > 0; depth++)
        {
            if (depth > GraphLimits.MaxDepth)
                throw Bad($"what refers to the image is referred to more than {GraphLimits.MaxDepth} deep");
            var found = new ConcurrentBag<Digest>();
            await Parallel.ForEachAsync(level, new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = cancel }, async (subject, token) =>
            {
                foreach (var referrer in await visit(subject, token))
                    found.Add(referrer);
            });
            level = [.. found.Where(seen.Add)];
        }
    }

    private void Enter(Manifest manifest, int depth)
    {
        if (depth > GraphLimits.MaxDepth)
            throw Bad($"indexes are nested more than {GraphLimits.MaxDepth} deep");
        Expect(manifest.Children);
    }

    /// <summary>Counts manifests by what is said of them, so that too many are refused before any is read.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: a limit is exceeded.</exception>
    public void Expect(IEnumerable<Descriptor> manifests)
    {
        lock (_named)
        {
            foreach (var manifest in manifests)
                if (_named.Add(manifest.Digest))
                    _bytes += Math.Min(manifest.Size, Manifest.MaxSize);
            if (_named.Count > GraphLimits.MaxManifests)
                throw Bad($"it has more than {GraphLimits.MaxManifests} manifests, the most one image may have");
            if (_bytes > GraphLimits.MaxBytes)
                throw Bad($"its manifests have more than {GraphLimits.MaxBytes} bytes together, the most one image may have");
        }
    }

    private PailException Bad(string why) => new(Failure.BadContent, $"{name}: {why}.");
}
