using System.Runtime.InteropServices;
using Pail.Images;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>Which manifest of a source is copied: its root, the image for one platform of its index, or an index of several.</summary>
public static class PlatformChoice
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
            return sink.HoldsIndexes
                ? await PlatformIndex.OfAsync(source, root, several, cancel)
                : throw new PailException(Failure.BadInput, $"{sink.Name} holds one image, not an index of several platforms. Name one --platform.");
        if (options.All && root.IsIndex && !sink.HoldsIndexes)
            throw new PailException(Failure.BadInput, $"{sink.Name} holds one image, not an index of {root.Manifests.Count}. Leave out --all, or name a --platform.");
        if (options.Platforms is [var asked])
            return await ChooseAsync(source, root, asked, cancel);
        // An image that is alone is taken whatever it runs on, as docker does: its name asks for nothing else.
        return sink.HoldsIndexes || options.All || !root.IsIndex ? root : await ChooseAsync(source, root, Host, cancel);
    }

    /// <summary>The image for a platform: of an index the one it names so, else the root itself, if that is what its config says.</summary>
    /// <exception cref="PailException">There is none; the message lists those there are.</exception>
    public static async Task<Manifest> ChooseAsync(IImageSource source, Manifest root, Platform platform, CancellationToken cancel)
    {
        if (!root.IsIndex && MediaTypes.IsImageConfig(root.Config?.MediaType)
            && ImageConfig.PlatformOf(await ImageConfig.ReadAsync(source, root, cancel)) is { } only && !platform.Accepts(only))
            throw new PailException(Failure.NotFound, $"{source.Name} is one image, for {SafeText.OneLine(only.ToString())}; there is none for {platform}.");
        var manifest = root;
        for (var depth = 0; manifest.IsIndex; depth++)
        {
            if (depth > GraphLimits.MaxDepth)
                throw new PailException(Failure.BadContent, $"{source.Name}: indexes are nested more than {GraphLimits.MaxDepth} deep.");
            var child = manifest.Manifests.FirstOrDefault(entry => entry.Platform is { } offered && platform.Accepts(offered))
                ?? manifest.Manifests.FirstOrDefault(entry => entry.Platform is null && MediaTypes.IsIndex(entry.MediaType))
                ?? throw Missing(source, manifest.Manifests, platform);
            manifest = await source.GetManifestAsync(child, cancel);
        }
        return manifest;
    }

    /// <summary>What to say where there is none.</summary>
    internal static PailException Missing(IImageSource source, IEnumerable<Descriptor> entries, Platform platform)
    {
        var offered = entries.Where(entry => entry.Platform is { Os: not "unknown" }).Select(entry => entry.Platform!.ToString()).Distinct().Take(20).ToList();
        return new(Failure.NotFound, $"{source.Name} has no image for {platform}. It has {(offered.Count == 0 ? "none with a platform" : SafeText.OneLine(string.Join(", ", offered), 600))}; choose one with --platform.");
    }
}
