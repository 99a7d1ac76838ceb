namespace Pail.Oci;

/// <summary>The list of a manifest's referrers: an OCI index kept as an object. Source: OCI distribution-spec, "Listing Referrers".</summary>
internal static class ReferrerList
{
    /// <summary>No referrers.</summary>
    internal static readonly byte[] Empty = Write([]);

    /// <summary>What the list says of a manifest: its artifact type is its own, else its config's media type.</summary>
    public static Descriptor Describe(Manifest referrer) => referrer.Descriptor with
    {
        ArtifactType = referrer.ArtifactType ?? (referrer.IsIndex ? null : referrer.Config?.MediaType),
        Annotations = referrer.Annotations,
    };

    /// <summary>The list with one more; null if it is in it.</summary>
    internal static byte[]? Add(ReadOnlyMemory<byte>? list, Manifest referrer)
    {
        var entries = Read(list);
        return entries.Any(entry => entry.Digest == referrer.Digest) ? null : Write([.. entries, Describe(referrer)]);
    }

    /// <summary>The list without one; null if it is not in it.</summary>
    internal static byte[]? Remove(ReadOnlyMemory<byte>? list, Digest referrer)
    {
        var entries = Read(list);
        return entries.Any(entry => entry.Digest == referrer) ? Write([.. entries.Where(entry => entry.Digest != referrer)]) : null;
    }

    /// <summary>The referrers in a list; none where there is no list.</summary>
    internal static IReadOnlyList<Descriptor> Read(ReadOnlyMemory<byte>? list)
    {
        if (list is not { } bytes)
            return [];
        try
        {
            using var document = JsonText.Parse(bytes);
            return new ManifestReader(document.RootElement).List("manifests");
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadContent, $"a list of referrers in the bucket is damaged: {JsonText.Why(e)}.", e);
        }
    }

    /// <summary>The list as it is stored and served.</summary>
    public static byte[] Write(IReadOnlyList<Descriptor> entries) => ManifestWriter.Index(entries);
}
