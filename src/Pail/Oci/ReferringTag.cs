namespace Pail.Oci;

/// <summary>
/// Tags that belong to a manifest: <c>sha256-HEX</c>, the list of referrers where a registry has no API for it (OCI distribution-spec,
/// "Referrers Tag Schema"), and <c>sha256-HEX.sig</c>, <c>.att</c>, <c>.sbom</c>, as cosign names them.
/// </summary>
internal static class ReferringTag
{
    /// <summary>The manifest that a tag belongs to; null for any other tag.</summary>
    public static Digest? SubjectOf(string tag)
    {
        var name = tag.Split('.', 2)[0];
        return name.Length > 7 && name[6] == '-' && Digest.TryParse($"{name[..6]}:{name[7..]}", out var digest) ? digest : null;
    }
}
