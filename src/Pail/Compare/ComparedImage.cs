using Pail.Copy;
using Pail.Images;
using Pail.Oci;

namespace Pail.Compare;

/// <summary>One of two images that are compared.</summary>
/// <param name="Source">Where it is.</param>
/// <param name="Manifest">Its manifest.</param>
/// <param name="Config">Its config.</param>
/// <param name="DiffIds">The digests of its layers' tars.</param>
internal sealed record ComparedImage(IImageSource Source, Manifest Manifest, ReadOnlyMemory<byte> Config, IReadOnlyList<Digest> DiffIds)
{
    /// <summary>Chooses and opens two images.</summary>
    /// <param name="old">Where the first one is.</param>
    /// <param name="new">Where the second one is.</param>
    /// <param name="platform">Which image of an index; null for that of the other one, if only one address names an index, else the host's.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">One is no image, damaged, or has nothing for the platform.</exception>
    public static async Task<(ComparedImage Old, ComparedImage New)> OpenAsync(IImageSource old, IImageSource @new, Platform? platform, CancellationToken cancel)
    {
        var (oldRoot, newRoot) = (await old.GetRootAsync(cancel), await @new.GetRootAsync(cancel));
        if (platform is not null)
            return (await OfAsync(old, await PlatformChoice.ChooseAsync(old, oldRoot, platform, cancel), cancel), await OfAsync(@new, await PlatformChoice.ChooseAsync(@new, newRoot, platform, cancel), cancel));
        var first = oldRoot.IsIndex ? null : await OfAsync(old, oldRoot, cancel);
        var second = newRoot.IsIndex ? null : await OfAsync(@new, newRoot, cancel);
        var fitting = (first ?? second) is { } known ? ImageConfig.PlatformOf(known.Config) ?? PlatformChoice.Host : PlatformChoice.Host;
        first ??= await OfAsync(old, await PlatformChoice.ChooseAsync(old, oldRoot, fitting, cancel), cancel);
        second ??= await OfAsync(@new, await PlatformChoice.ChooseAsync(@new, newRoot, fitting, cancel), cancel);
        return (first, second);
    }

    private static async Task<ComparedImage> OfAsync(IImageSource source, Manifest image, CancellationToken cancel)
    {
        if (!MediaTypes.IsImageConfig(image.Config?.MediaType))
            throw new PailException(Failure.BadInput, $"{source.Name} is an artifact, not an image with a file system; 'pail inspect' shows what it holds.");
        var config = await ImageConfig.ReadAsync(source, image, cancel);
        return new(source, image, config, ImageConfig.DiffIdsOf(source, image, config));
    }
}
