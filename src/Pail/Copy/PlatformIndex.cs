using Pail.Images;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>
/// An index cut down to some platforms: entries and all else are taken over byte for byte, only what is not asked for is left out.
/// The same index and platforms give the same bytes.
/// </summary>
internal static class PlatformIndex
{
    // How BuildKit says, in an index, which image an attestation is about.
    private const string AboutAnnotation = "vnd.docker.reference.digest";

    /// <summary>Returns the entries for these platforms, of several variants the best where one was asked for, of nested indexes too, with the attestations about them; the index itself if that is all it holds.</summary>
    /// <exception cref="PailException">There is nothing for one of the platforms (<see cref="Failure.NotFound"/>).</exception>
    public static async Task<Manifest> OfAsync(IImageSource source, Manifest root, IReadOnlyList<Platform> platforms, CancellationToken cancel)
    {
        if (!root.IsIndex)
            throw new PailException(Failure.NotFound, $"{source.Name} is one image, no index of images for several platforms; name one --platform, or none.");
        var offers = await PlatformChoice.OffersAsync(source, source.Graph(), root, cancel).ToListAsync(cancel);
        var images = new HashSet<Digest>();
        foreach (var platform in platforms)
        {
            var ranked = offers.Select(offer => (offer.Entry.Descriptor.Digest, Rank: offer.Platform is null ? null : platform.RankOf(offer.Platform))).ToList();
            var best = ranked.Min(offer => offer.Rank) ?? throw PlatformChoice.Missing(source, offers.Select(offer => offer.Platform), platform);
            // Without a variant all of them are asked for: an index has room.
            images.UnionWith(ranked.Where(offer => platform.Variant is null ? offer.Rank is not null : offer.Rank == best).Select(offer => offer.Digest));
        }

        bool IsKept(Descriptor entry) => images.Contains(entry.Digest)
            || (entry.Annotations.TryGetValue(AboutAnnotation, out var about) && Digest.TryParse(about, out var image) && images.Contains(image));
        var kept = offers.Select(offer => offer.Entry).Where(entry => IsKept(entry.Descriptor)).ToList();
        if (kept.Select(entry => entry.Descriptor.Digest).SequenceEqual(root.Manifests.Select(entry => entry.Digest)))
            return root;
        var texts = kept.Select(entry => entry.Index).Distinct().ToDictionary(index => index, index => ManifestWriter.EntriesOf(index.Bytes));
        return Manifest.Parse(ManifestWriter.WithEntries(root.Bytes, kept.Select(entry => texts[entry.Index][entry.Position])), root.MediaType, root.Digest.Algorithm);
    }
}
