using Pail.Oci;

namespace Pail.Buckets.Layouts;

/// <summary>What an object of a bucket is, as far as its key says.</summary>
public enum KeyKind
{
    /// <summary>Nothing that this Pail writes.</summary>
    Foreign,

    /// <summary>A blob; in a pool also a manifest by digest.</summary>
    Blob,

    /// <summary>A manifest under its digest.</summary>
    Manifest,

    /// <summary>A manifest under a tag.</summary>
    Tag,

    /// <summary>What a tag consists of beside its manifest.</summary>
    TagCompanion,

    /// <summary>The list of what refers to a manifest.</summary>
    Referrers,

    /// <summary>A list that a public bucket keeps, or its root object.</summary>
    StaticList,

    /// <summary>The bucket's settings.</summary>
    Settings,

    /// <summary>What the bucket remembers of a layer.</summary>
    Memory,

    /// <summary>Bytes of an upload that is no blob yet.</summary>
    Staging,

    /// <summary>The retention policy.</summary>
    Policy,

    /// <summary>When what was pulled.</summary>
    Pulls,
    /// <summary>What a tag or manifest was that was removed and can be brought back.</summary>
    Removed,

    /// <summary>What collections keep, and other small objects of Pail's own.</summary>
    Own,
}

/// <summary>What a key names.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Repository">The repository it belongs to; null if it belongs to the whole bucket.</param>
/// <param name="Digest">The digest of the blob, manifest or subject, or what memory is about.</param>
/// <param name="Tag">The tag.</param>
public readonly record struct KeyMeaning(KeyKind Kind, RepositoryName? Repository = null, Digest? Digest = null, string? Tag = null);
