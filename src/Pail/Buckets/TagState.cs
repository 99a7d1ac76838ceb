using Pail.Oci;

namespace Pail.Buckets;

/// <summary>What a tag was when it was looked at: what a move of it goes by.</summary>
/// <param name="Names">What it named; null where that can't be read, since its object is damaged.</param>
/// <param name="ETag">The version of its object; empty if there was no such tag.</param>
/// <param name="Written">When its object was written.</param>
/// <param name="Moves">What it named before, newest first.</param>
internal sealed record TagState(Descriptor? Names, string ETag, DateTimeOffset Written, IReadOnlyList<TagMove> Moves)
{
    /// <summary>There is no such tag.</summary>
    public static TagState Absent { get; } = new(null, "", default, []);

    /// <summary>True if it was there.</summary>
    public bool Exists => this != Absent;

    /// <summary>True if it names this manifest, of this type.</summary>
    public bool Is(Manifest manifest) => Names is { } names && (names.Digest, names.MediaType, names.Size) == (manifest.Digest, manifest.MediaType, manifest.Size);

    /// <summary>What is remembered once it names this manifest.</summary>
    /// <param name="manifest">What it names from now on.</param>
    /// <param name="now">When it was moved.</param>
    /// <param name="by">Who moved it.</param>
    public IReadOnlyList<TagMove> MovesTo(Manifest manifest, DateTimeOffset now, string by) =>
        Exists && (Names is null || Names.Digest == manifest.Digest) ? Moves : [new(Names?.Digest, now, by), .. Moves];
}
