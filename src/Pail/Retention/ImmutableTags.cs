using Pail.Oci;
using Pail.Policies;

namespace Pail.Retention;

/// <summary>Which tags can't be moved once they exist. Pure: no request.</summary>
internal sealed class ImmutableTags
{
    private readonly IReadOnlyList<ImmutableEntry> _entries;

    internal ImmutableTags(IReadOnlyList<ImmutableEntry> entries) => _entries = entries;

    /// <summary>No tag is immutable.</summary>
    public static ImmutableTags None { get; } = new([]);

    /// <summary>True if no tag is immutable.</summary>
    public bool IsEmpty => _entries.Count == 0;

    /// <summary>True if the tag can't be moved or removed.</summary>
    public bool Matches(RepositoryName repository, string tag) => Find(repository.ToString(), tag).Any();

    /// <summary>True if the tag is immutable and neither retention nor the deletion of a digest takes it: each entry about it says so.</summary>
    public bool Stays(RepositoryName repository, string tag) => StaysBy(repository.ToString(), tag) is not null;

    // "Keep wins": one entry that lets tags expire does not weaken another that doesn't.
    internal ImmutableEntry? StaysBy(string repository, string tag) => Find(repository, tag).FirstOrDefault(entry => !entry.Expire);

    private IEnumerable<ImmutableEntry> Find(string repository, string tag) =>
        _entries.Where(entry => entry.Repositories.Matches(repository) && entry.Tags.Matches(tag));
}

/// <summary>An entry of the list of immutable tags.</summary>
/// <param name="Line">The line it begins at.</param>
/// <param name="Repositories">In which repositories.</param>
/// <param name="Tags">Which tags, with their exceptions.</param>
/// <param name="Expire">True if rules of retention may drop them all the same.</param>
internal sealed record ImmutableEntry(int Line, NameFilter Repositories, NameFilter Tags, bool Expire);
