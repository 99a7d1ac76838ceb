using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Pail.Images;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>Which manifest of a source is copied: its root, the image for one platform of its index, or an index of several.</summary>
internal static class PlatformChoice
{
    /// <summary>The platform of images that run here: Linux, whatever the host, on its processor.</summary>
    public static Platform Host { get; } = new("linux", RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "amd64",
        Architecture.X86 => "386",
        Architecture.Arm64 => "arm64",
        Architecture.Arm => "arm",
        var other => other.ToString().ToLowerInvariant(),
    });

    /// <summary>The manifest to copy into that sink.</summary>
    /// <exception cref="PailException">No image for a platform (<see cref="Failure.NotFound"/>), or several, or <c>--all</c>, into a sink that holds one image.</exception>
    public static async Task<Manifest> ChooseAsync(IImageSource source, Manifest root, IImageSink sink, CopyOptions options, CancellationToken cancel)
    {
        if (options.Platforms is { Count: > 1 } several)
            return sink.Abilities.HoldsIndexes
                ? await PlatformIndex.OfAsync(source, root, several, cancel)
                : throw new PailException(Failure.BadInput, $"{sink.Name} holds one image, not an index of several platforms. Name one --platform.");
        if (options.All && root.IsIndex && !sink.Abilities.HoldsIndexes)
            throw new PailException(Failure.BadInput, $"{sink.Name} holds one image, not an index of {root.Manifests.Count}. Leave out --all, or name a --platform.");
        if (options.Platforms is [var asked])
            return await ChooseAsync(source, root, asked, cancel);
        // An image that is alone is taken whatever it runs on, as docker does: its name asks for nothing else.
        return sink.Abilities.HoldsIndexes || options.All || !root.IsIndex ? root : await ChooseAsync(source, root, Host, cancel);
    }

    /// <summary>The image for a platform: of an index the one it names so, else the root itself, if that is what its config says.</summary>
    /// <exception cref="PailException">There is none; the message lists those there are.</exception>
    public static async Task<Manifest> ChooseAsync(IImageSource source, Manifest root, Platform platform, CancellationToken cancel)
    {
        if (!root.IsIndex && MediaTypes.IsImageConfig(root.Config?.MediaType)
            && ImageConfig.PlatformOf(await ImageConfig.ReadAsync(source, root, cancel)) is { } only && !platform.Accepts(only))
            throw new PailException(Failure.NotFound, $"{source.Name} is one image, for {SafeText.OneLine(only.ToString())}; there is none for {platform}.");
        var graph = source.Graph();
        return (await graph.DescendAsync(root, async index => await FindAsync(source, graph, index, platform, cancel) ?? throw Missing(source, index.Manifests.Select(entry => entry.Platform), platform), cancel))!;
    }

    /// <summary>Returns the entries of an index with their platforms, in order. An index within it, for no platform of its own, stands for what it lists.</summary>
    /// <remarks>Where an entry does not state its platform, its manifest and config are read.</remarks>
    internal static async IAsyncEnumerable<(GraphEntry Entry, Platform? Platform)> OffersAsync(IImageSource source, ManifestGraph graph, Manifest index, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var entry in graph.EntriesAsync(index, static entry => entry.Platform is null, cancel))
            if (entry.Descriptor.Platform is { } stated)
                yield return (entry, stated);
            else if (!MediaTypes.IsIndex(entry.Descriptor.MediaType))
                yield return (entry, MediaTypes.IsImageConfig(entry.Manifest?.Config?.MediaType) ? ImageConfig.PlatformOf(await ImageConfig.ReadAsync(source, entry.Manifest!, cancel)) : null);
    }

    /// <summary>Returns what fits a platform best, the first of equals; null if nothing fits.</summary>
    internal static Descriptor? Best(IEnumerable<(Descriptor Entry, Platform? Platform)> offers, Platform platform) => offers
        .Select(offer => (offer.Entry, Rank: offer.Platform is null ? null : platform.RankOf(offer.Platform)))
        .Where(offer => offer.Rank is not null)
        .OrderBy(offer => offer.Rank)
        .Select(offer => offer.Entry)
        .FirstOrDefault();

    /// <summary>What to say where there is none.</summary>
    internal static PailException Missing(IImageSource source, IEnumerable<Platform?> platforms, Platform platform)
    {
        var offered = platforms.Where(offer => offer is { Os: not "unknown" }).Select(offer => offer!.ToString()).Distinct().Take(20).ToList();
        return new(Failure.NotFound, $"{source.Name} has no image for {platform}. It has {(offered.Count == 0 ? "none with a platform" : SafeText.OneLine(string.Join(", ", offered), 600))}; choose one with --platform.");
    }

    // What fits exactly is taken without a further request; before anything else, entries that don't state a platform are looked into.
    private static async Task<Descriptor?> FindAsync(IImageSource source, ManifestGraph graph, Manifest index, Platform platform, CancellationToken cancel)
    {
        var best = Best(index.Manifests.Select(entry => (entry, entry.Platform)), platform);
        if (index.Children.All(entry => entry.Platform is not null) || (best is not null && platform.RankOf(best.Platform!) == 0))
            return best;
        var offers = await OffersAsync(source, graph, index, cancel).ToListAsync(cancel);
        return Best(offers.Select(offer => (offer.Entry.Descriptor, offer.Platform)), platform) ?? throw Missing(source, offers.Select(offer => offer.Platform), platform);
    }
}
