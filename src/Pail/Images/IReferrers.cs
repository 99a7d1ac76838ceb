using System.Text.RegularExpressions;
using Pail.Oci;

namespace Pail.Images;

/// <summary>A source that knows what refers to its manifests: signatures, SBOMs, attestations.</summary>
internal interface IReferrerSource
{
    /// <summary>The manifests listed as referring to one, whatever they say themselves.</summary>
    Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel);

    /// <summary>The manifest of a tag beside the image's own; null if there is none.</summary>
    Task<Manifest?> FindTagAsync(string tag, CancellationToken cancel);
}

/// <summary>A sink that can hold what refers to an image, so that it is found there.</summary>
internal interface IReferrerSink
{
    /// <summary>The manifests listed as referring to one.</summary>
    Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel);

    /// <summary>Stores a manifest whose parts are there, under its digest, and lists it as referring to its subject.</summary>
    Task PutReferrerAsync(Manifest referrer, CancellationToken cancel);

    /// <summary>True if a tag beside the image's own names exactly this manifest.</summary>
    Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel);

    /// <summary>Stores a manifest whose parts are there, and makes a tag beside the image's own name it.</summary>
    Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel);
}

/// <summary>The tags that stand in for lists of referrers.</summary>
internal static partial class ReferrerTags
{
    /// <summary>The tag of the list that clients keep where a registry has none. Source: OCI distribution-spec, "Referrers Tag Schema".</summary>
    public static string List(Digest subject) => $"{subject.AlgorithmName}-{subject.Hex[..64]}";

    /// <summary>The tags of cosign's signatures, attestations and SBOMs. Source: cosign, "SPEC.md".</summary>
    public static IEnumerable<string> Cosign(Digest subject) => Kinds.Select(kind => $"{subject.AlgorithmName}-{subject.Hex}.{kind}").Where(Reference.IsTag);

    /// <summary>True for such a tag, alone or behind the name of an image.</summary>
    public static bool IsOne(string? tag) => tag is not null && Pattern().IsMatch(tag);

    private static readonly string[] Kinds = ["sig", "att", "sbom"];

    [GeneratedRegex(@"(^|:)(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{64,128})(\.(sig|att|sbom))?$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();
}
