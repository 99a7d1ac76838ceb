using System.Security.Cryptography;
using System.Text;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>Makes images, indexes and artifacts of what a test names, and keeps them where the derived class says: in memory, or in a folder.</summary>
internal abstract class ImageBuilder
{
    /// <summary>Keeps a blob.</summary>
    public abstract Descriptor Add(byte[] blob, string mediaType = MediaTypes.OciLayerGzip, DigestAlgorithm algorithm = DigestAlgorithm.Sha256);

    /// <summary>Keeps a manifest; it is the root until another comes.</summary>
    public abstract Manifest AddManifest(Manifest manifest);

    /// <summary>A manifest of this JSON.</summary>
    public Manifest AddManifest(string json, string? mediaType = null) => AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(json), mediaType));

    /// <summary>A blob of random bytes, another each time.</summary>
    public Descriptor AddRandom(int size, string mediaType = MediaTypes.OciLayerGzip) => Add(RandomNumberGenerator.GetBytes(size), mediaType);

    /// <summary>An image, or what refers to one, of blobs that are there. Its config is another each time, unless it is given.</summary>
    public Manifest AddImage(IEnumerable<Descriptor> layers, Descriptor? subject = null, string? artifactType = null, Descriptor? config = null) => AddManifest(Manifest.Parse(ManifestJson.Image(
        config ?? Add(Encoding.UTF8.GetBytes($$$"""{"architecture":"amd64","os":"linux","nonce":"{{{Guid.NewGuid()}}}","rootfs":{"type":"layers","diff_ids":[]}}"""), MediaTypes.OciConfig),
        layers,
        (artifactType is null ? "" : $",\"artifactType\":\"{artifactType}\"") + ManifestJson.Subject(subject))));

    /// <summary>An image for one platform, with layers that are tars of random content, and a config that agrees with them.</summary>
    public Manifest AddPlatform(Random random, int layers, string architecture, DigestAlgorithm algorithm = DigestAlgorithm.Sha256)
    {
        var tars = Enumerable.Range(0, layers).Select(_ => ImageBytes.Layer(random, random.Next(1, 60_000))).ToList();
        var blobs = tars.Select(tar => Add(ImageBytes.Gzip(tar), MediaTypes.OciLayerGzip, algorithm)).ToList();
        return AddManifest(ManifestOf(Add(ImageBytes.Config(architecture, tars.Select(tar => Digest.Of(tar))), MediaTypes.OciConfig, algorithm), blobs, algorithm));
    }

    /// <summary>An index of manifests, and of blobs where such are named.</summary>
    public Manifest AddIndex(params IEnumerable<(Descriptor Entry, string? Architecture)> entries) =>
        AddManifest(Manifest.Parse(ManifestJson.IndexOf(entries.Select(item => ManifestJson.OfPlatform(item.Entry, item.Architecture)))));

    /// <summary>A manifest that is kept nowhere yet.</summary>
    public static Manifest ManifestOf(Descriptor config, IEnumerable<Descriptor> layers, DigestAlgorithm algorithm = DigestAlgorithm.Sha256) =>
        Manifest.Parse(ManifestJson.Image(config, layers), MediaTypes.OciManifest, algorithm);
}
