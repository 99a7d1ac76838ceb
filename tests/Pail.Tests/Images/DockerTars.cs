using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using Pail.Compression;
using Pail.Docker;
using Pail.Images;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Tests.Images;

/// <summary>One image as each kind of Docker's image stores saves it.</summary>
internal sealed class DockerTars
{
    private static readonly ConcurrentDictionary<int, byte[]> Large = new();

    public DockerTars(int seed = 1, int layers = 3)
    {
        var random = new Random(seed);
        Layers = [.. Enumerable.Range(0, layers).Select(_ => ImageBytes.Layer(random, random.Next(1, 3_000_000)))];
        Config = ImageBytes.Config("amd64", Layers.Select(layer => Digest.Of(layer)));
    }

    /// <summary>Two large layers, worth remembering, and between them a small one that differs from version to version.</summary>
    public static DockerTars Version(int version)
    {
        var tars = new DockerTars(layers: 0);
        foreach (var seed in (int[])[1, 2])
            tars.Layers.Add(Large.GetOrAdd(seed, _ => ImageBytes.Layer(new Random(seed), (int)LayerLimits.Remembered + 4096)));
        tars.Layers.Insert(1, ImageBytes.Layer(new Random(100 + version), 1000));
        tars.Config = ImageBytes.Config("amd64", tars.Layers.Select(layer => Digest.Of(layer)));
        return tars;
    }

    public byte[] Config { get; set; }

    /// <summary>The layers, uncompressed.</summary>
    public IList<byte[]> Layers { get; }

    public string Id => Digest.Of(Config).ToString();

    /// <summary>Docker up to 24: a folder a layer, config and manifest.json. A layer that comes twice is a link the second time.</summary>
    public byte[] Classic()
    {
        var tar = new TarBytes().File($"{Digest.Of(Config).Hex}.json", Config);
        var paths = new List<string>();
        for (var i = 0; i < Layers.Count; i++)
        {
            var folder = Digest.Of(Encoding.UTF8.GetBytes($"layer {i}")).Hex;
            tar.Folder(folder + "/").File(folder + "/VERSION", "1.0").File(folder + "/json", "{}");
            var before = Layers.Take(i).ToList().FindIndex(layer => layer.AsSpan().SequenceEqual(Layers[i]));
            if (before < 0)
                tar.File(folder + "/layer.tar", Layers[i]);
            else
                tar.Link(folder + "/layer.tar", "../" + paths[before]);
            paths.Add(folder + "/layer.tar");
        }
        return tar.File("manifest.json", Index($"{Digest.Of(Config).Hex}.json", paths)).File("repositories", "{}").ToArray();
    }

    /// <summary>What engines check of an image that arrived: its config, and that each layer unpacks to what that says.</summary>
    public async Task AssertSameAsync(MemoryImage pulled)
    {
        Assert.Equal(Config, pulled.Blobs[pulled.Root!.Config!.Digest]);
        Assert.Equal(Layers.Count, pulled.Root.Layers.Count);
        foreach (var (layer, blob) in Layers.Zip(pulled.Root.Layers))
        {
            await using var stream = LayerCompression.Decompress(new MemoryStream(pulled.Blobs[blob.Digest]), LayerCompression.KindOf(blob.MediaType)!.Value);
            using var tar = new MemoryStream();
            await stream.CopyToAsync(tar, TestContext.Current.CancellationToken);
            Assert.Equal(layer, tar.ToArray());
        }
    }

    /// <summary>Several images in one archive, as Docker up to 24 saves them: a layer that another has, too, is a link to that one's.</summary>
    public static byte[] Several(params IReadOnlyList<(DockerTars Image, string[] Names)> images)
    {
        var tar = new TarBytes();
        var seen = new Dictionary<Digest, string>();
        var list = new List<object>();
        foreach (var (image, names) in images)
        {
            var paths = new List<string>();
            foreach (var layer in image.Layers)
            {
                var folder = Digest.Of(Encoding.UTF8.GetBytes($"{list.Count} {paths.Count}")).Hex;
                paths.Add(folder + "/layer.tar");
                if (seen.TryGetValue(Digest.Of(layer), out var first))
                    tar.Link(paths[^1], "../" + first);
                else
                    tar.File(seen[Digest.Of(layer)] = paths[^1], layer);
            }
            var config = $"{Digest.Of(image.Config).Hex}.json";
            tar.File(config, image.Config);
            list.Add(new Dictionary<string, object?> { ["Config"] = config, ["RepoTags"] = names.Length == 0 ? null : names, ["Layers"] = paths });
        }
        return tar.File("manifest.json", JsonSerializer.Serialize(list)).ToArray();
    }

    /// <summary>Several images in one archive of the containerd image store.</summary>
    public static byte[] ContainerdSeveral(params IReadOnlyList<(MemoryImage Image, string Name)> images)
    {
        var tar = new TarBytes { Format = TarEntryFormat.Pax };
        var (list, index) = (new List<object>(), LayoutIndex.Parse("", null));
        foreach (var (image, name) in images)
        {
            foreach (var (digest, blob) in image.Blobs)
                tar.File(LayoutPaths.Blob(digest), blob);
            foreach (var manifest in image.Manifests.Values)
                tar.File(LayoutPaths.Blob(manifest.Digest), manifest.Bytes.ToArray());
            // The list names the platform of the machine alone.
            var here = image.Root!.IsIndex ? image.Manifests[image.Root.Manifests[0].Digest] : image.Root;
            list.Add(new Dictionary<string, object?> { ["Config"] = LayoutPaths.Blob(here.Config!.Digest), ["RepoTags"] = new[] { name }, ["Layers"] = here.Layers.Select(layer => LayoutPaths.Blob(layer.Digest)) });
            index = LayoutIndex.Parse("", index.With(image.Root, name, DockerName.Whole(name)));
        }
        return tar
            .File("index.json", Encoding.UTF8.GetString(index.With(images[^1].Image.Root!, images[^1].Name, DockerName.Whole(images[^1].Name))))
            .File("manifest.json", JsonSerializer.Serialize(list))
            .ToArray();
    }

    /// <summary>Docker 25 and later, classic store: an OCI layout of uncompressed layers, with a manifest made up for it.</summary>
    public byte[] Since25()
    {
        var image = new MemoryImage();
        var manifest = ImageBuilder.ManifestOf(image.Add(Config, MediaTypes.OciConfig), Layers.Select(layer => image.Add(layer, MediaTypes.OciLayerTar)).ToList());
        var tar = Blobs(image, manifest);
        return Finish(tar, manifest, Index(LayoutPaths.Blob(Digest.Of(Config)), Layers.Select(layer => LayoutPaths.Blob(Digest.Of(layer)))));
    }

    /// <summary>The containerd image store: the image as it was pulled or built, and beside it what old engines read.</summary>
    public static byte[] Containerd(MemoryImage image, params Digest[] missing)
    {
        var tar = new TarBytes { Format = TarEntryFormat.Pax };
        foreach (var (digest, blob) in image.Blobs.Where(pair => !missing.Contains(pair.Key)))
            tar.File(LayoutPaths.Blob(digest), blob);
        foreach (var manifest in image.Manifests.Values.Where(manifest => !missing.Contains(manifest.Digest)))
            tar.File(LayoutPaths.Blob(manifest.Digest), manifest.Bytes.ToArray());
        return Finish(tar, image.Root!, "[]");
    }

    private static TarBytes Blobs(MemoryImage image, Manifest manifest)
    {
        var tar = new TarBytes().Folder("blobs/").Folder("blobs/sha256/");
        foreach (var (digest, blob) in image.Blobs)
            tar.File(LayoutPaths.Blob(digest), blob);
        return tar.File(LayoutPaths.Blob(manifest.Digest), manifest.Bytes.ToArray());
    }

    private static byte[] Finish(TarBytes tar, Manifest root, string dockerIndex) => tar
        .File("index.json", Encoding.UTF8.GetString(LayoutIndex.Of(root, "1.0", "docker.io/library/app:1.0")))
        .File("manifest.json", dockerIndex)
        .File("oci-layout", """{"imageLayoutVersion":"1.0.0"}""")
        .ToArray();

    private static string Index(string config, IEnumerable<string> layers) =>
        JsonSerializer.Serialize(new[] { new Dictionary<string, object?> { ["Config"] = config, ["RepoTags"] = null, ["Layers"] = layers } });
}
