using System.Collections.Concurrent;
using Pail.Oci;

namespace Pail.Buckets;

/// <summary>Looks for all that an image consists of.</summary>
internal static class MissingParts
{
    private const int AtOnce = 8;

    /// <summary>Returns what is named by an image, or below it, and is not in the repository. One HEAD for each blob, and what reading costs for each manifest below an index.</summary>
    /// <param name="repository">Where the parts should be.</param>
    /// <param name="root">The image.</param>
    /// <param name="read">Reads a manifest that an index names; null if there is none.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="PailException">The image is nested too deep or has too many manifests (<see cref="GraphLimits"/>).</exception>
    public static async Task<IReadOnlyList<Digest>> FindAsync(Repository repository, Manifest root, Func<Digest, CancellationToken, Task<Manifest?>> read, CancellationToken cancel)
    {
        var missing = new ConcurrentBag<Digest>();
        var limits = new ManifestGraph($"{repository.Bucket.Name}, {repository.Name}", (_, _) => throw new NotSupportedException());
        var (seen, level) = (new HashSet<Digest> { root.Digest }, new List<Manifest> { root });
        var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel };
        for (var depth = 0; level.Count > 0; depth++)
        {
            if (depth > GraphLimits.MaxDepth)
                throw new PailException(Failure.BadContent, $"{repository.Bucket.Name}, {repository.Name}: indexes are nested more than {GraphLimits.MaxDepth} deep.");
            await Parallel.ForEachAsync(level.SelectMany(manifest => manifest.Blobs).Where(blob => seen.Add(blob.Digest)).ToList(), options, async (blob, token) =>
            {
                if (await repository.Blobs.FindAsync(blob.Digest, token) is null)
                    missing.Add(blob.Digest);
            });
            // A manifest with addresses elsewhere need not be here.
            var children = level.SelectMany(manifest => manifest.Children).Where(child => child.Urls.Count == 0 && seen.Add(child.Digest)).ToList();
            limits.Expect(children);
            var found = new ConcurrentBag<Manifest>();
            await Parallel.ForEachAsync(children, options, async (child, token) =>
            {
                if (await read(child.Digest, token) is { } manifest)
                    found.Add(manifest);
                else
                    missing.Add(child.Digest);
            });
            level = [.. found];
        }
        return [.. missing.OrderBy(digest => digest.ToString(), StringComparer.Ordinal)];
    }
}
