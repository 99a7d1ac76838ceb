using Pail.Images;

namespace Pail.Tests.Matrix;

/// <summary>A kind of place where images are: what can be read from there, and what it can hold.</summary>
/// <param name="name">What the address of such a place begins with, more or less.</param>
/// <param name="source">Opens an image there, by its name.</param>
/// <param name="sink">Opens a place for an image there.</param>
internal sealed class Place(string name, Func<string, Task<IImageSource>> source, Func<string, Task<IImageSink>> sink)
{
    /// <summary>False for places of engines: one image for one platform, no artifacts.</summary>
    public bool HoldsAll { get; init; } = true;

    /// <summary>False where the manifest is made anew of config and layers.</summary>
    public bool KeepsManifests { get; init; } = true;

    /// <summary>Kinds of images that it refuses, and by what words.</summary>
    public IReadOnlyDictionary<string, string> Refuses { get; init; } = new Dictionary<string, string>();

    /// <summary>The same for kinds that only some versions of its server refuse.</summary>
    public IReadOnlyDictionary<string, string> MayRefuse { get; init; } = new Dictionary<string, string>();

    /// <summary>True where what refers to an image can be put.</summary>
    public bool HoldsReferrers { get; init; }

    /// <summary>True where what refers to an image is found, if it is there.</summary>
    public bool FindsReferrers { get; init; }

    public Task<IImageSource> SourceAsync(string image) => source(image);

    public Task<IImageSink> SinkAsync(string image) => sink(image);

    public override string ToString() => name;
}
