using Pail.Io;
using Pail.Oci;

namespace Pail.Cli.Output;

/// <summary>How blobs are called before people.</summary>
internal static class BlobWords
{
    /// <summary>The first digits of a digest: enough to find it, short enough for a line.</summary>
    public static string Short(Digest digest) => $"{digest.AlgorithmName}:{digest.Hex[..12]}";

    /// <summary>What a blob is in its image.</summary>
    public static string Kind(Descriptor blob) => blob.MediaType switch
    {
        MediaTypes.OciConfig or MediaTypes.DockerConfig or MediaTypes.OciEmpty => "config",
        var type when MediaTypes.IsIndex(type) => "index",
        var type when MediaTypes.IsManifest(type) => "manifest",
        var type when type.Contains("layer", StringComparison.Ordinal) || type.Contains("rootfs", StringComparison.Ordinal) => "layer",
        _ => "blob",
    };

    /// <summary>What became of a blob.</summary>
    public static string Outcome(BlobOutcome outcome) => outcome switch
    {
        BlobOutcome.Sent => "sent",
        BlobOutcome.Copied => "copied where it is",
        _ => "there already",
    };
}
