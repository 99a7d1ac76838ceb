using System.Collections.Concurrent;
using Pail.Images;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>
/// Brings along what refers to an image: to its root and to every manifest its indexes list, and what refers to that in turn.
/// Found by the lists of the source and by cosign's tags; what the manifests say of themselves counts.
/// </summary>
internal sealed class ReferrerCopy(IImageSource source, IImageSink sink, Func<Manifest, CancellationToken, Task> copyParts)
{
    private const int AtOnce = 8;

    private readonly ConcurrentDictionary<Digest, bool> _seen = new();
    private readonly IReferrerSource _lists = (IReferrerSource)source;

    private int _copied;
    private int _left;

    /// <summary>Copies them all. Returns how many were copied, and how many the sink can't hold.</summary>
    public async Task<(int Copied, int Left)> RunAsync(Manifest root, CancellationToken cancel)
    {
        var level = await SubjectsAsync(root, cancel);
        for (var depth = 0; level.Count > 0; depth++)
        {
            if (depth > GraphLimits.MaxDepth)
                throw new PailException(Failure.BadContent, $"{source.Name}: what refers to the image is referred to more than {GraphLimits.MaxDepth} deep.");
            var next = new ConcurrentBag<Digest>();
            await Parallel.ForEachAsync(level, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (subject, token) =>
            {
                foreach (var found in await CopyOfAsync(subject, token))
                    next.Add(found);
            });
            level = [.. next];
        }
        return (_copied, _left);
    }

    // The root and all that its indexes list.
    private async Task<List<Digest>> SubjectsAsync(Manifest root, CancellationToken cancel)
    {
        var subjects = new List<Digest>();
        var indexes = new Queue<(Manifest Index, int Depth)>();
        IsNew(root.Digest);
        subjects.Add(root.Digest);
        indexes.Enqueue((root, 0));
        while (indexes.TryDequeue(out var next))
            // Each once: indexes that name one another again and again would never end.
            foreach (var child in next.Index.Manifests.Where(child => IsNew(child.Digest)))
            {
                subjects.Add(child.Digest);
                if (MediaTypes.IsIndex(child.MediaType) && next.Depth < GraphLimits.MaxDepth)
                    indexes.Enqueue((await source.GetManifestAsync(child, cancel), next.Depth + 1));
            }
        return subjects;
    }

    private async Task<IReadOnlyList<Digest>> CopyOfAsync(Digest subject, CancellationToken cancel)
    {
        var found = new List<Digest>();
        var listed = await _lists.ListReferrersAsync(subject, cancel);
        var present = listed.Count > 0 && sink is IReferrerSink holder ? (await holder.ListReferrersAsync(subject, cancel)).Select(entry => entry.Digest).ToHashSet() : [];
        foreach (var entry in listed)
        {
            if (!MediaTypes.IsManifest(entry.MediaType) || !IsNew(entry.Digest))
                continue;
            // Anybody may write a list: what counts is what the manifest says.
            var referrer = await source.GetManifestAsync(entry, cancel);
            if (referrer.Subject?.Digest != subject)
                continue;
            found.Add(referrer.Digest);
            await CopyAsync(referrer, present.Contains(referrer.Digest), cancel);
        }
        foreach (var tag in ReferrerTags.Cosign(subject))
            if (await _lists.FindTagAsync(tag, cancel) is { } tagged)
            {
                if (IsNew(tagged.Digest))
                    found.Add(tagged.Digest);
                await CopyTagAsync(tagged, tag, cancel);
            }
        return found;
    }

    private async Task CopyAsync(Manifest referrer, bool listed, CancellationToken cancel)
    {
        if (sink is not IReferrerSink holder)
        {
            Interlocked.Increment(ref _left);
            return;
        }
        if (listed && await sink.HasManifestAsync(referrer, cancel))
            return;
        await copyParts(referrer, cancel);
        await holder.PutReferrerAsync(referrer, cancel);
        Interlocked.Increment(ref _copied);
    }

    private async Task CopyTagAsync(Manifest manifest, string tag, CancellationToken cancel)
    {
        if (sink is not IReferrerSink holder)
        {
            Interlocked.Increment(ref _left);
            return;
        }
        if (await holder.HasTagAsync(manifest, tag, cancel))
            return;
        await copyParts(manifest, cancel);
        await holder.PutTagAsync(manifest, tag, cancel);
        Interlocked.Increment(ref _copied);
    }

    private bool IsNew(Digest digest) => _seen.Count < GraphLimits.MaxManifests
        ? _seen.TryAdd(digest, true)
        : throw new PailException(Failure.BadContent, $"{source.Name}: more than {GraphLimits.MaxManifests} manifests refer to it, the most one copy may hold.");
}
