using System.Collections.Concurrent;
using Pail.Oci;
using Pail.Tests.Images;

namespace Pail.Tests.Oci;

/// <summary>The one walk through manifests: each read once, in order, within limits.</summary>
public sealed class ManifestGraphTests
{
    private readonly Dictionary<Digest, Manifest> _manifests = [];
    private readonly ConcurrentQueue<Digest> _read = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ManifestGraph Graph => new("test", async (descriptor, _) =>
    {
        _read.Enqueue(descriptor.Digest);
        await Task.Yield();
        return _manifests[descriptor.Digest];
    });

    [Fact]
    public async Task Walk_SharedChildren_AreReadOnceAndParentsComeFirst()
    {
        var (a, b) = (Image(1), Image(2));
        var left = Index(a, b);
        var right = Index(b, a, left);
        var root = Index(left, right, a);

        var walked = await Graph.WalkAsync(root, Cancel).Select(manifest => manifest.Digest).ToListAsync(Cancel);

        Assert.Equal([root.Digest, left.Digest, a.Digest, b.Digest, right.Digest], walked);
        Assert.Equal(4, _read.Count);
    }

    [Fact]
    public async Task Visit_ChildrenComeBeforeTheirParents_EachOnce()
    {
        var (a, b) = (Image(1), Image(2));
        var left = Index(a, b);
        var right = Index(b, left);
        var root = Index(right, left, a);
        var done = new ConcurrentQueue<Digest>();

        await Graph.VisitAsync(root, _ => Task.FromResult(true), manifest =>
        {
            done.Enqueue(manifest.Digest);
            return Task.CompletedTask;
        }, Cancel);

        var order = done.ToList();
        Assert.Equal(5, order.Count);
        foreach (var parent in (Manifest[])[left, right, root])
            Assert.All(parent.Children, child => Assert.True(order.IndexOf(child.Digest) < order.IndexOf(parent.Digest)));
    }

    [Fact]
    public async Task Visit_WhatIsNotEntered_IsNotReadBelow()
    {
        var inner = Index(Image(1));
        var root = Index(inner, Image(2));

        await Graph.VisitAsync(root, manifest => Task.FromResult(manifest != inner), _ => Task.CompletedTask, Cancel);

        Assert.Equal(2, _read.Count);
    }

    [Fact]
    public async Task Entries_OnlyIndexesOpened_StandInTheirPlaces()
    {
        var (a, b, c) = (Image(1), Image(2), Image(3));
        var inner = Index(b, a);
        var root = Index(a, inner, c);

        var entries = await Graph.EntriesAsync(root, entry => MediaTypes.IsIndex(entry.MediaType), Cancel).ToListAsync(Cancel);

        Assert.Equal([(a.Digest, 0), (inner.Digest, 1), (b.Digest, 0), (a.Digest, 1), (c.Digest, 2)], entries.Select(entry => (entry.Descriptor.Digest, entry.Position)));
        Assert.Single(_read);
    }

    [Fact]
    public async Task Walk_BeyondALimit_IsRefusedBeforeItIsRead()
    {
        var image = Image(1);
        var deep = image;
        for (var i = 0; i < 17; i++)
            deep = Index(deep);
        Assert.NotEmpty(await Graph.WalkAsync(deep, Cancel).ToListAsync(Cancel));
        deep = Index(deep);
        Assert.Contains("deep", (await FailsAsync(deep)).Message, StringComparison.Ordinal);

        _read.Clear();
        Assert.Contains("5000", (await FailsAsync(Wide(5001, 100))).Message, StringComparison.Ordinal);
        Assert.Contains("bytes together", (await FailsAsync(Wide(65, Manifest.MaxSize))).Message, StringComparison.Ordinal);
        Assert.Empty(_read);
    }

    [Fact]
    public async Task VisitReferrers_RootAndBelow_LevelByLevelEachOnce()
    {
        var (a, b) = (Image(1), Image(2));
        var root = Index(a, b);
        var (signature, sbom) = (Digest.Of([1]), Digest.Of([2]));
        var asked = new ConcurrentQueue<Digest>();

        await Graph.VisitReferrersAsync(root, (subject, _) =>
        {
            asked.Enqueue(subject);
            return Task.FromResult<IEnumerable<Digest>>(subject == a.Digest || subject == b.Digest ? [sbom] : subject == sbom ? [signature, sbom] : []);
        }, 4, Cancel);

        Assert.Equal(new[] { root.Digest, a.Digest, b.Digest }.ToHashSet(), asked.Take(3).ToHashSet());
        Assert.Equal([sbom, signature], asked.Skip(3));
    }

    private async Task<PailException> FailsAsync(Manifest root) => await Assert.ThrowsAnyAsync<PailException>(async () => await Graph.WalkAsync(root, Cancel).ToListAsync(Cancel));

    private Manifest Image(int seed) => Add(MemoryImage.Plain(seed).Root!);

    private Manifest Index(params IEnumerable<Manifest> children) => Add(Manifest.Parse(ManifestWriter.Index([.. children.Select(child => child.Descriptor)])));

    private static Manifest Wide(int count, long size) => Manifest.Parse(
        ManifestJson.Index(Enumerable.Range(0, count).Select(i => new Descriptor(MediaTypes.OciManifest, Digest.Of(BitConverter.GetBytes(i)), size))));

    private Manifest Add(Manifest manifest) => _manifests[manifest.Digest] = manifest;
}
