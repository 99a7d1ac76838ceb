using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Pail.Copy;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Tests.Images;

namespace Pail.Tests.Matrix;

/// <summary>One kind of image from one place to others: digests stay wherever they can, and what can't be held is refused in words.</summary>
internal static class CopyMatrix
{
    public static readonly string[] Kinds = ["plain", "index", "nested", "artifact", "schema 2", "zstd", "sha512"];

    /// <summary>Puts an image where it shall come from, copies it to each of the others, and looks at what arrived.</summary>
    public static async Task CopyAsync(Place from, IEnumerable<Place> places, string kind)
    {
        var image = MemoryImage.Of(kind);
        if (await IsRefusedAsync(from, kind, () => PutAsync(image, from, "first")))
            return;
        await PutAsync(image, from, "first");
        var expected = await Copying.ReadAsync(await from.SourceAsync("first"));
        await AssertHeldAsync(from, image, expected);
        // Where manifests are made anew, sha256 is what they are made with.
        kind = kind == "sha512" && !from.KeepsManifests ? "plain" : kind;

        var failures = new List<string>();
        foreach (var to in places)
        {
            try
            {
                await CopyAsync(from, to, kind, expected);
            }
            catch (Exception e)
            {
                failures.Add($"{from} to {to}: {e.Message}");
            }
        }
        Assert.Empty(failures);
    }

    private static async Task CopyAsync(Place from, Place to, string kind, MemoryImage expected)
    {
        var name = $"from-{from}".Replace(' ', '-');
        async Task<CopyResult> Again() => await PutAsync(await from.SourceAsync("first"), to, name);
        if (await IsRefusedAsync(to, kind, Again))
            return;
        await Again();
        await AssertHeldAsync(to, expected, await Copying.ReadAsync(await to.SourceAsync(name)));
        // An engine knows a config by its sha256, whatever the manifest calls it.
        if (kind != "sha512" || to.KeepsManifests)
            Assert.True((await Again()).Unchanged, "copied twice, it was not the same");
        if (expected.Root!.IsIndex && !to.HoldsAll)
            await AssertWholeIsRefusedAsync(from, to);
    }

    // The one image that a place of an engine takes of an index.
    private static async Task AssertHeldAsync(Place place, MemoryImage expected, MemoryImage actual)
    {
        if (expected.Root!.IsIndex && !place.HoldsAll)
        {
            var one = new MemoryImage();
            await ImageCopy.RunAsync(expected, one, new CopyOptions([PlatformChoice.Host]), NoProgress.Instance, default);
            expected = one;
        }
        if (place.KeepsManifests)
        {
            MemoryImage.AssertSame(expected, actual);
            return;
        }
        var (before, after) = (expected.Root!, actual.Root!);
        var config = expected.Blobs[before.Config!.Digest];
        Assert.Equal(config, actual.Blobs[after.Config!.Digest]);
        using var read = JsonDocument.Parse(config);
        Assert.Equal(
            read.RootElement.GetProperty("rootfs").GetProperty("diff_ids").EnumerateArray().Select(id => id.GetString()),
            after.Layers.Select(layer => Digest.Of(Unpacked(actual.Blobs[layer.Digest])).ToString()));
    }

    private static async Task AssertWholeIsRefusedAsync(Place from, Place to)
    {
        await using var source = await from.SourceAsync("first");
        await using var sink = await to.SinkAsync("whole");
        var error = await Assert.ThrowsAnyAsync<PailException>(() => ImageCopy.RunAsync(source, sink, new CopyOptions(All: true), NoProgress.Instance, default));
        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains("holds one image, not an index of 2", error.Message);
    }

    private static async Task<bool> IsRefusedAsync(Place place, string kind, Func<Task<CopyResult>> put)
    {
        if (place.MayRefuse.TryGetValue(kind, out var says))
        {
            try
            {
                await put();
                return false;
            }
            catch (PailException e)
            {
                Assert.Contains(says, e.Message);
                return true;
            }
        }
        if (!place.Refuses.TryGetValue(kind, out says))
            return false;
        var error = await Assert.ThrowsAnyAsync<PailException>(put);
        Assert.Contains(says, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        return true;
    }

    /// <summary>Brings an image with an SBOM, and a signature of that, from one place to each of the others.</summary>
    public static async Task CopyReferrersAsync(Place from, IEnumerable<Place> places)
    {
        var image = MemoryImage.Index();
        var root = image.Root!;
        var sbom = Referrer(image, "sbom", root.Descriptor);
        var signature = Referrer(image, "signature", sbom.Descriptor);
        image.AddManifest(root);
        await PutAsync(image, from, "referred");
        if (from.HoldsReferrers)
            await PutReferrersAsync(from, image, sbom, signature);
        foreach (var to in places)
        {
            await using var source = await from.SourceAsync("referred");
            await using var sink = await to.SinkAsync($"from-{from}".Replace(' ', '-'));
            var copy = () => ImageCopy.RunAsync(source, sink, new CopyOptions(Referrers: true), NoProgress.Instance, default);
            if (!from.FindsReferrers)
            {
                Assert.Contains("leave out --referrers", (await Assert.ThrowsAnyAsync<PailException>(copy)).Message);
                continue;
            }
            var result = await copy();
            if (!from.HoldsReferrers)
            {
                Assert.Equal((0, 0), (result.Referrers, result.ReferrersLeft));
                continue;
            }
            // An image of the index has none of its own.
            Assert.Equal(to.HoldsReferrers ? (2, 0) : (0, to.HoldsAll ? 2 : 0), (result.Referrers, result.ReferrersLeft));
            if (!to.HoldsReferrers)
                continue;
            var holder = (IReferrerSink)sink;
            Assert.Equal([sbom.Digest], (await holder.ListReferrersAsync(root.Digest, default)).Select(entry => entry.Digest));
            Assert.Equal([signature.Digest], (await holder.ListReferrersAsync(sbom.Digest, default)).Select(entry => entry.Digest));
        }
    }

    private static async Task PutReferrersAsync(Place place, MemoryImage image, params Manifest[] referrers)
    {
        await using var sink = await place.SinkAsync("referred");
        foreach (var manifest in referrers)
        {
            foreach (var blob in manifest.Blobs)
                await sink.PutBlobAsync(blob, (offset, token) => image.OpenBlobAsync(blob, offset, token), NoProgress.Instance, default);
            await ((IReferrerSink)sink).PutReferrerAsync(manifest, default);
        }
    }

    private static Manifest Referrer(MemoryImage image, string content, Descriptor subject) => Manifest.Parse(ManifestJson.Image(
        image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty),
        [image.Add(Encoding.UTF8.GetBytes(content), "text/plain")],
        $",\"artifactType\":\"text/{content}\"{ManifestJson.Subject(subject)}"));

    private static async Task<CopyResult> PutAsync(IImageSource source, Place to, string name)
    {
        await using (source)
        await using (var sink = await to.SinkAsync(name))
            return await Copying.RunAsync(source, sink);
    }

    private static byte[] Unpacked(byte[] layer)
    {
        if (layer is not [0x1F, 0x8B, ..])
            return layer;
        using var unpacked = new MemoryStream();
        using (var gzip = new GZipStream(new MemoryStream(layer), CompressionMode.Decompress))
            gzip.CopyTo(unpacked);
        return unpacked.ToArray();
    }
}
