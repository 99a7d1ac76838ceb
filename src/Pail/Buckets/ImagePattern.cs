using Pail.Oci;
using Pail.Policies;

namespace Pail.Buckets;

/// <summary>Names images of a bucket: one by tag or digest, a repository, or all that a pattern matches. Patterns match whole names; see <see cref="Glob"/>.</summary>
internal sealed class ImagePattern
{
    private static readonly char[] Wildcards = ['*', '?', '['];

    private readonly string _text;
    private readonly Glob _repositories;
    private readonly Glob? _tags;

    private ImagePattern(string text, Glob repositories, Glob? tags, Digest? digest)
    {
        (_text, _repositories, _tags, Digest) = (text, repositories, tags, digest);
        IsGlob = digest is null && text.IndexOfAny(Wildcards) >= 0;
        var repository = repositories.ToString();
        Prefix = repository.IndexOfAny(Wildcards) is var wild and >= 0 ? repository[..wild] : $"{repository}/";
        Repository = RepositoryName.TryParse(repository, out var name) ? name : null;
        Tag = tags is not null && Reference.IsTag(tags.ToString()) ? tags.ToString() : null;
    }

    /// <summary>True if it is a pattern rather than a name.</summary>
    public bool IsGlob { get; }

    /// <summary>What the paths of all repositories begin with that it can match: part of a name, or a name and a slash.</summary>
    public string Prefix { get; }

    /// <summary>The only repository it can match; null for several.</summary>
    public RepositoryName? Repository { get; }

    /// <summary>The only tag it can match; null for several, or none.</summary>
    public string? Tag { get; }

    /// <summary>The digest it names; null for none.</summary>
    public Digest? Digest { get; }

    /// <summary>True if it names whole repositories.</summary>
    public bool IsOfRepositories => _tags is null && Digest is null;

    /// <summary>True if a text has wildcards.</summary>
    public static bool HasWildcards(string text) => text.IndexOfAny(Wildcards) >= 0;

    /// <summary>Reads <c>REPO</c>, <c>REPO:TAG</c>, <c>REPO@DIGEST</c>, <c>REPO:TAG@DIGEST</c> or a pattern of the first two.</summary>
    /// <exception cref="FormatException">It is none of them.</exception>
    public static ImagePattern Parse(string text)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            var name = text[..at].Split(':')[0];
            return HasWildcards(name) ? throw new FormatException("a digest has no pattern beside it.") : new(text, Glob.OfRepositories(RepositoryName.Parse(name).ToString()), null, Oci.Digest.Parse(text[(at + 1)..]));
        }
        var colon = text.LastIndexOf(':');
        var (repository, tag) = colon < 0 ? (text, null) : (text[..colon], text[(colon + 1)..]);
        if (!HasWildcards(repository))
            _ = RepositoryName.Parse(repository);
        if (tag is not null && !HasWildcards(tag) && !Reference.IsTag(tag))
            throw new FormatException($"'{SafeText.OneLine(tag)}' is no tag.");
        return new(text, Glob.OfRepositories(repository), tag is null ? null : Glob.OfTags(tag), null);
    }

    /// <summary>True if it can match something in a repository.</summary>
    public bool Matches(RepositoryName repository) => _repositories.Matches(repository.ToString());

    /// <summary>True if it matches a tag; a whole repository matches all of its.</summary>
    public bool Matches(RepositoryName repository, string tag) => Digest is null && Matches(repository) && (_tags is null || _tags.Matches(tag));

    /// <summary>True if it matches what is stored under a tag or digest.</summary>
    public bool Matches(RepositoryName repository, Reference reference) => reference.Tag is { } tag
        ? Matches(repository, tag)
        : Matches(repository) && (IsOfRepositories || Digest == reference.Digest);

    /// <summary>As it was written.</summary>
    public override string ToString() => _text;
}
