using Pail.Oci;

namespace Pail.Retention;

/// <summary>What is known of a tag.</summary>
/// <param name="Tag">The tag.</param>
/// <param name="Digest">What it names.</param>
/// <param name="Pushed">When it was written.</param>
/// <param name="Size">Bytes it needs, for people; no rule goes by it.</param>
internal sealed record TagFacts(string Tag, Digest Digest, DateTimeOffset Pushed, long Size = 0)
{
    /// <summary>When it was last pulled, by this tag or by its digest; null if that was not seen.</summary>
    public DateTimeOffset? Pulled { get; init; }

    /// <summary>True if a list of what runs names it.</summary>
    public bool InUse { get; init; }
}

/// <summary>What is known of a repository.</summary>
/// <param name="Repository">Its name.</param>
/// <param name="Tags">All its tags, in any order.</param>
internal sealed record RepositoryFacts(RepositoryName Repository, IReadOnlyList<TagFacts> Tags)
{
    /// <summary>Since when pulls are recorded; null if they are not.</summary>
    public DateTimeOffset? PullsSince { get; init; }

    /// <summary>True if a list of what runs was given.</summary>
    public bool InUseKnown { get; init; }
}

/// <summary>What becomes of a tag.</summary>
internal enum TagFate
{
    /// <summary>No rule is about it.</summary>
    Untouched,

    /// <summary>It is kept.</summary>
    Kept,

    /// <summary>It is dropped.</summary>
    Dropped,
}

/// <summary>What becomes of a tag, and why.</summary>
/// <param name="Facts">The tag.</param>
/// <param name="Fate">What becomes of it.</param>
/// <param name="Reason">What keeps or drops it, for people: the rule, the entry, the pin.</param>
/// <param name="Line">The line of the policy that does; null if none does.</param>
internal sealed record TagVerdict(TagFacts Facts, TagFate Fate, string Reason, int? Line);
