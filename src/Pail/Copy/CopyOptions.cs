using Pail.Compression;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>What to copy of an index.</summary>
/// <param name="Platforms">One: only the image for it. Several: an index of just those. Null for the whole, or the host's where the sink holds one image.</param>
/// <param name="All">The whole index, and an error if the sink can't hold it.</param>
/// <param name="Referrers">Also what refers to it: signatures, SBOMs, attestations.</param>
/// <param name="Compression">How layers shall be compressed; null to leave what is compressed as it is.</param>
public sealed record CopyOptions(IReadOnlyList<Platform>? Platforms = null, bool All = false, bool Referrers = false, LayerCompression? Compression = null);

/// <summary>What a copy did.</summary>
/// <param name="Root">The manifest the sink's address names now.</param>
/// <param name="Unchanged">True if it named that before: nothing was written.</param>
public sealed record CopyResult(Descriptor Root, bool Unchanged)
{
    /// <summary>The index that the root was made of, where that holds some of its platforms only; what refers to it does not refer to the root.</summary>
    public Digest? CutFrom { get; init; }

    /// <summary>Blobs whose bytes were sent.</summary>
    public int Sent { get; init; }

    /// <summary>Blobs that were there.</summary>
    public int Existed { get; init; }

    /// <summary>Blobs that the store copied within itself.</summary>
    public int Copied { get; init; }

    /// <summary>Bytes of the blobs sent.</summary>
    public long BytesSent { get; init; }

    /// <summary>Manifests copied because they refer to the image, or to what refers to it.</summary>
    public int Referrers { get; init; }

    /// <summary>Referrers that the sink can't hold.</summary>
    public int ReferrersLeft { get; init; }

    /// <summary>Layers that the source does not hold, only their addresses elsewhere: the manifest names them still.</summary>
    public IReadOnlyList<Descriptor> ForeignLeft { get; init; } = [];

    /// <summary>The media types of referrers that are left out because Pail can't read manifests of that type; one for each.</summary>
    public IReadOnlyList<string> UnknownReferrers { get; init; } = [];
}
