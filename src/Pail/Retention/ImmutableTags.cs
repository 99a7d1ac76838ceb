using Pail.Oci;
using Pail.Policies;

namespace Pail.Retention;

/// <summary>Which tags can't be moved once they exist. Pure: no request.</summary>
/// <remarks>Tags that belong to a manifest (<see cref="ReferringTag"/>) are never immutable: each signature that is added moves them.</remarks>
internal sealed class ImmutableTags
{
    private readonly IReadOnlyList<ImmutableEntry> _entries;

    internal ImmutableTags(IReadOnlyList<ImmutableEntry> entries) => _entries = entries;

    /// <summary>No tag is immutable.</summary>
    public static ImmutableTags None { get; } = new([]);

    /// <summary>True if no tag is immutable.</summary>
    public bool IsEmpty => _entries.Count == 0;

    /// <summary>The entry by which a tag can't be moved; null if it can.</summary>
    public ImmutableEntry? Find(RepositoryName repository, string tag) => Find(repository.ToString(), tag).FirstOrDefault();

    /// <summary>The entry by which a tag can't be removed either, by no rule and no command; null if each entry about it lets it go.</summary>
    public ImmutableEntry? FindLasting(RepositoryName repository, string tag) => StaysBy(repository.ToString(), tag);

    /// <summary>An entry by which tags of the repository can't be removed; null if there is none.</summary>
    public ImmutableEntry? FindLasting(RepositoryName repository) => _entries.FirstOrDefault(entry => !entry.Expire && entry.Repositories.Matches(repository.ToString()));

    // "Keep wins": one entry that lets tags expire does not weaken another that doesn't.
    internal ImmutableEntry? StaysBy(string repository, string tag) => Find(repository, tag).FirstOrDefault(entry => !entry.Expire);

    private IEnumerable<ImmutableEntry> Find(string repository, string tag) =>
        ReferringTag.SubjectOf(tag) is null ? _entries.Where(entry => entry.Repositories.Matches(repository) && entry.Tags.Matches(tag)) : [];
}

/// <summary>An entry of the list of immutable tags.</summary>
/// <param name="Line">The line it begins at.</param>
/// <param name="Repositories">In which repositories.</param>
/// <param name="Tags">Which tags, with their exceptions.</param>
/// <param name="Expire">True if they may be removed, by rules of retention or otherwise.</param>
internal sealed record ImmutableEntry(int Line, NameFilter Repositories, NameFilter Tags, bool Expire)
{
    /// <summary>Where it is, for people.</summary>
    public override string ToString() => $"line {Line} of the policy";
}
