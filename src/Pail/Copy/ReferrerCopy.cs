using System.Collections.Concurrent;
using Pail.Images;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>
/// Copies what refers to an image: to its root and to every manifest its indexes list, and what refers to that in turn.
/// Found by the lists of the source and by cosign's tags; what the manifests say of themselves counts.
/// </summary>
internal sealed class ReferrerCopy(ManifestGraph graph, IReferrerSource lists, IImageSink sink, Func<Manifest, Task> copyParts)
{
    private const int AtOnce = 8;

    private readonly ConcurrentDictionary<Digest, string> _unknown = new();
    private readonly IReferrerSink? _holder = sink.Abilities.Referrers;
    private int _copied;
    private int _left;

    /// <summary>Copies them all. Returns the result with how many were copied, how many the sink can't hold, and how many are of types Pail can't read.</summary>
    public async Task<CopyResult> RunAsync(Manifest root, CopyResult result, CancellationToken cancel)
    {
        await graph.VisitReferrersAsync(root, CopyOfAsync, AtOnce, cancel);
        return result with { Unchanged = result.Unchanged && _copied == 0, Referrers = _copied, ReferrersLeft = _left, UnknownReferrers = [.. _unknown.Values] };
    }

    private async Task<IEnumerable<Digest>> CopyOfAsync(Digest subject, CancellationToken cancel)
    {
        var found = new HashSet<Digest>();
        var listed = await lists.ListReferrersAsync(subject, cancel);
        var present = listed.Count > 0 && _holder is not null ? (await _holder.ListReferrersAsync(subject, cancel)).Select(entry => entry.Digest).ToHashSet() : [];
        foreach (var entry in listed)
        {
            if (!MediaTypes.IsManifest(entry.MediaType))
            {
                _unknown[entry.Digest] = entry.MediaType;
                continue;
            }
            // Anybody may write a list: what counts is what the manifest says.
            var referrer = await graph.GetAsync(entry, cancel);
            if (referrer.Subject?.Digest == subject && found.Add(referrer.Digest))
                await CopyAsync(
                    referrer,
                    async holder => present.Contains(referrer.Digest) && await sink.HasManifestAsync(referrer, cancel),
                    holder => holder.PutReferrerAsync(referrer, cancel));
        }
        foreach (var tag in ReferrerTags.Cosign(subject))
            if (await lists.FindTagAsync(tag, cancel) is { } tagged)
            {
                found.Add(tagged.Digest);
                await CopyAsync(tagged, holder => holder.HasTagAsync(tagged, tag, cancel), holder => holder.PutTagAsync(tagged, tag, cancel));
            }
        return found;
    }

    private async Task CopyAsync(Manifest manifest, Func<IReferrerSink, Task<bool>> isThere, Func<IReferrerSink, Task> put)
    {
        if (_holder is null)
        {
            Interlocked.Increment(ref _left);
            return;
        }
        if (await isThere(_holder))
            return;
        await copyParts(manifest);
        await put(_holder);
        Interlocked.Increment(ref _copied);
    }
}
