using Pail.Images;
using Pail.Oci;
using Pail.Server.Caches;
using Pail.Server.Discovery;
using Pail.Server.Manifests;
using Pail.Stores;

namespace Pail.Server.Page;

/// <summary>Reads what views show, through the repository and the caches of the API, and only what a repository holds.</summary>
internal sealed class PageReader(RegistryServices services)
{
    // Lists read only configs that are small, as those of real images are.
    private const int MaxListed = 1 << 20;

    private static readonly Platform Usual = new("linux", "amd64");

    private readonly ManifestPulls _pulls = new(services);
    private readonly BoundedCache<Version, TagFacts> _facts = new(1 << 14, static _ => 1);

    /// <summary>Lists what refers to a manifest. Two GETs, and one for each manifest that clients listed themselves.</summary>
    public Task<IReadOnlyList<Descriptor>> ReferrersAsync(RepositoryName repository, Digest subject, CancellationToken cancel) => new ReferrerListing(services, _pulls).ListAsync(repository, subject, cancel);

    /// <summary>Finds a manifest; null if the repository has none of that name. One GET unless it is known.</summary>
    public async Task<Manifest?> FindAsync(RepositoryName repository, Reference reference, CancellationToken cancel) =>
        (reference.Digest is not { } digest || await services.Border.HoldsAsync(repository, digest, cancel)) && await _pulls.FindAsync(repository, reference, cancel) is { } found ? found.Manifest : null;

    /// <summary>Reads a config; null if it is none of an image. One GET.</summary>
    /// <exception cref="PailException">It is not what its digest says, is not there, or has more than <see cref="ImageConfig.MaxSize"/> bytes.</exception>
    public async Task<ConfigFacts?> ConfigAsync(RepositoryName repository, Manifest image, CancellationToken cancel) =>
        MediaTypes.IsImageConfig(image.Config?.MediaType)
            ? ConfigFacts.Read(await ImageConfig.ReadAsync(repository.ToString(), (blob, offset, token) => OpenAsync(repository, blob, offset, token), image, cancel))
            : null;

    /// <summary>Opens a blob that the repository holds. One GET for each 8 MiB.</summary>
    /// <exception cref="PailException">The repository does not hold it.</exception>
    public async Task<Stream> OpenAsync(RepositoryName repository, Descriptor blob, long offset, CancellationToken cancel) => await services.Border.HoldsAsync(repository, blob.Digest, cancel)
        ? services.Bucket.Repository(repository).Blobs.Open(blob, offset)
        : throw new PailException(Failure.NotFound, $"{repository} has no blob {blob.Digest}.");

    /// <summary>Opens a range of a blob that the repository holds. One GET.</summary>
    /// <exception cref="PailException">The repository does not hold it.</exception>
    public async Task<Stream> OpenRangeAsync(RepositoryName repository, Descriptor blob, ByteRange range, CancellationToken cancel) =>
        await services.Border.HoldsAsync(repository, blob.Digest, cancel) && await services.Bucket.Repository(repository).Blobs.GetAsync(blob.Digest, range, cancel) is { } content
            ? content.Body
            : throw new PailException(Failure.NotFound, $"{repository} has no blob {blob.Digest}.");

    /// <summary>The image of an index that is shown where nobody chose: that of linux/amd64, else the first; the manifest itself if it is no index. At most one GET.</summary>
    public async Task<Manifest?> ChooseAsync(RepositoryName repository, Manifest root, CancellationToken cancel)
    {
        if (!root.IsIndex)
            return root;
        var images = root.Children.Where(IsImage).ToList();
        return (images.Find(entry => entry.Platform is { } platform && Usual.Accepts(platform)) ?? images.FirstOrDefault()) is { } chosen
            ? await FindAsync(repository, Reference.Of(chosen.Digest), cancel)
            : null;
    }

    /// <summary>Says what a tag names. Nothing if this version of its object is known, else one GET, and one more for the image of an index, or the config of an image.</summary>
    public async Task<TagFacts?> FactsAsync(RepositoryName repository, string tag, string etag, CancellationToken cancel)
    {
        var version = new Version(repository, tag, etag);
        if (_facts.TryGet(version, out var known))
            return known;
        try
        {
            if (await FindAsync(repository, Reference.Parse(tag), cancel) is not { } root)
                return null;
            var facts = await DescribeAsync(repository, root, cancel);
            if (etag.Length > 0)
                _facts.Set(version, facts);
            return facts;
        }
        catch (PailException e) when (e.Failure is Failure.BadContent or Failure.NotFound)
        {
            return new(null, "damaged", [], null, null, []);
        }
    }

    /// <summary>The image as comparison and browsing read it.</summary>
    public IImageSource Source(RepositoryName repository, Reference reference) => new PageSource(this, repository, reference);

    private async Task<TagFacts> DescribeAsync(RepositoryName repository, Manifest root, CancellationToken cancel)
    {
        var image = await ChooseAsync(repository, root, cancel);
        var platforms = root.IsIndex
            ? root.Children.Where(IsImage).Select(entry => entry.Platform?.ToString() ?? "?").ToList()
            : root.Config is { Size: <= MaxListed } && await ConfigAsync(repository, root, cancel) is { Platform: { } own } ? [own] : [];
        var kind = root.ArtifactType ?? (root.Config is { } config && !MediaTypes.IsImageConfig(config.MediaType) ? config.MediaType : null);
        var of = root.IsIndex ? root.Children.FirstOrDefault(entry => entry.Digest == image?.Digest)?.Platform?.ToString() : null;
        return new(root.Digest, kind, platforms, image?.Blobs.Sum(blob => blob.Size), of, image is null ? [] : [.. image.Layers.Select(layer => layer.Digest)]);
    }

    /// <summary>True for the entries of an index that are images: BuildKit adds attestations, of an unknown platform.</summary>
    public static bool IsImage(Descriptor entry) => entry.Platform is not { Os: "unknown" } && entry.ArtifactType is null;

    private readonly record struct Version(RepositoryName Repository, string Tag, string ETag);
}

/// <summary>What a tag names, as lists show it.</summary>
/// <param name="Digest">Its digest; null if it is damaged.</param>
/// <param name="Kind">What it is, if it is no image.</param>
/// <param name="Platforms">Its platforms.</param>
/// <param name="Size">The bytes of its blobs, or of those of one of its images.</param>
/// <param name="SizeOf">The platform of that one.</param>
/// <param name="Layers">The layers of that one.</param>
internal sealed record TagFacts(Digest? Digest, string? Kind, IReadOnlyList<string> Platforms, long? Size, string? SizeOf, IReadOnlyList<Digest> Layers);
