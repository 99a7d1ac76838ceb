using Pail.Io;
using Pail.Oci;

namespace Pail.Images;

/// <summary>States what a source can do beside giving manifests and blobs.</summary>
internal sealed record SourceAbilities
{
    /// <summary>The ability of a source that only gives manifests and blobs.</summary>
    public static SourceAbilities None { get; } = new();

    /// <summary>Tells what refers to the image; null if the source can't.</summary>
    public IReferrerSource? Referrers { get; init; }

    /// <summary>Makes the blobs of the image before its manifest can be read; null if they are there.</summary>
    public ILayerMaker? Maker { get; init; }
}

/// <summary>States what a sink can do beside storing blobs and manifests.</summary>
internal sealed record SinkAbilities
{
    /// <summary>The ability of a sink that only stores blobs and manifests.</summary>
    public static SinkAbilities None { get; } = new();

    /// <summary>False if it can hold one image only, no index: then a copy of an index picks a platform.</summary>
    public bool HoldsIndexes { get; init; } = true;

    /// <summary>True if an image can't be held without its layers that have addresses elsewhere (non-distributable).</summary>
    public bool NeedsForeignLayers { get; init; }

    /// <summary>True if blobs may come before the sink is asked for the root that names them. False also if it may refuse the image when it sees its digest.</summary>
    public bool TakesEarlyBlobs { get; init; }

    /// <summary>Holds what refers to an image; null if the sink can't.</summary>
    public IReferrerSink? Referrers { get; init; }

    /// <summary>Finds layers by their tars; null if the sink can't.</summary>
    public ILayerLookup? Layers { get; init; }

    /// <summary>Says what would be written; null if the sink can't. A bucket needs none: there the store makes no writes in a dry run.</summary>
    public IForecast? Forecast { get; init; }
}

/// <summary>Says what a sink would write. Writes nothing.</summary>
internal interface IForecast
{
    /// <summary>Returns what <see cref="IImageSink.PutBlobAsync"/> would do; the requests it takes to find out are real.</summary>
    Task<BlobOutcome> ForecastBlobAsync(Descriptor blob, CancellationToken cancel);
}
