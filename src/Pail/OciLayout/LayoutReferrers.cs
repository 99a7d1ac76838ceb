using Pail.Images;
using Pail.Oci;

namespace Pail.OciLayout;

/// <summary>
/// What refers to the manifests of a layout. Layouts know no referrers: they are listed in tags, as clients do it for registries
/// that don't know them either, or stand in index.json, where only they themselves say what they refer to.
/// </summary>
/// <param name="layout">Reads manifests.</param>
/// <param name="readIndex">Reads index.json.</param>
internal sealed class LayoutReferrers(IImageSource layout, Func<CancellationToken, Task<LayoutIndex>> readIndex) : IDisposable
{
    private readonly SemaphoreSlim _once = new(1);
    private LayoutIndex? _index;
    private ILookup<Digest, Descriptor>? _bySubject;

    /// <summary>The manifests that may refer to one.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: the layout names too many manifests to look through.</exception>
    public async Task<IReadOnlyList<Descriptor>> ListAsync(Digest subject, CancellationToken cancel)
    {
        var (index, bySubject) = await LookThroughAsync(cancel);
        var found = bySubject[subject].ToList();
        foreach (var list in index.Find(ReferrerTags.List(subject)))
            found.AddRange((await layout.GetManifestAsync(list, cancel)).Manifests);
        return [.. found.DistinctBy(entry => entry.Digest)];
    }

    /// <summary>The manifest of a tag; null if there is none.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: there are several.</exception>
    public async Task<Manifest?> FindTagAsync(string tag, CancellationToken cancel)
    {
        var (index, _) = await LookThroughAsync(cancel);
        return index.Find(tag).Count == 0 ? null : await layout.GetManifestAsync(index.Pick(tag), cancel);
    }

    /// <inheritdoc/>
    public void Dispose() => _once.Dispose();

    private async Task<(LayoutIndex Index, ILookup<Digest, Descriptor> BySubject)> LookThroughAsync(CancellationToken cancel)
    {
        await _once.WaitAsync(cancel);
        try
        {
            if (_bySubject is null)
            {
                _index = await readIndex(cancel);
                _bySubject = await LookThroughAsync(_index, cancel);
            }
            return (_index!, _bySubject);
        }
        finally
        {
            _once.Release();
        }
    }

    private async Task<ILookup<Digest, Descriptor>> LookThroughAsync(LayoutIndex index, CancellationToken cancel)
    {
        var graph = layout.Graph();
        var found = new List<(Digest Subject, Descriptor Referrer)>();
        var manifests = index.Entries.Where(entry => entry.MediaType.Length == 0 || MediaTypes.IsManifest(entry.MediaType)).DistinctBy(entry => entry.Digest).ToList();
        graph.Expect(manifests);
        foreach (var entry in manifests)
            if ((await graph.GetAsync(entry, cancel)).Subject is { } subject)
                found.Add((subject.Digest, entry));
        return found.ToLookup(pair => pair.Subject, pair => pair.Referrer);
    }
}
