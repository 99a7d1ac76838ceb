using System.Text;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>The JSON of manifests and indexes, as clients write it.</summary>
internal static class ManifestJson
{
    /// <summary>A descriptor.</summary>
    /// <param name="item">What it describes.</param>
    /// <param name="more">More properties, each with a comma before it.</param>
    public static string Of(Descriptor item, string more = "") => $$"""{"mediaType":"{{item.MediaType}}","digest":"{{item.Digest}}","size":{{item.Size}}{{more}}}""";

    /// <summary>A descriptor with a platform of Linux, if there is one.</summary>
    public static string OfPlatform(Descriptor item, string? architecture) =>
        Of(item, architecture is not null ? $$""","platform":{"os":"linux","architecture":"{{architecture}}"}""" : "");

    /// <summary>The manifest of an image, or of an artifact.</summary>
    public static byte[] Image(Descriptor config, IEnumerable<Descriptor> layers, string more = "", string type = MediaTypes.OciManifest) => Encoding.UTF8.GetBytes(
        $$"""{"schemaVersion":2,"mediaType":"{{type}}","config":{{Of(config)}},"layers":[{{string.Join(',', layers.Select(layer => Of(layer)))}}]{{more}}}""");

    /// <summary>An index.</summary>
    public static byte[] Index(IEnumerable<Descriptor> manifests, string more = "") => IndexOf(manifests.Select(child => Of(child)), more);

    /// <summary>An index of entries as they are.</summary>
    public static byte[] IndexOf(IEnumerable<string> entries, string more = "", string type = MediaTypes.OciIndex) => Encoding.UTF8.GetBytes(
        $$"""{"schemaVersion":2,"mediaType":"{{type}}","manifests":[{{string.Join(',', entries)}}]{{more}}}""");

    /// <summary>What makes a manifest refer to another.</summary>
    public static string Subject(Descriptor? subject) => subject is null ? "" : $",\"subject\":{Of(subject)}";

    public static Descriptor Describe(byte[] manifest, string type = MediaTypes.OciManifest) => new(type, Digest.Of(manifest), manifest.Length);
}
