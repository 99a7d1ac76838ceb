namespace Pail.Policies;

/// <summary>Names that one of some patterns matches, and none of others.</summary>
/// <param name="Patterns">What to match.</param>
/// <param name="Except">What not.</param>
internal sealed record NameFilter(IReadOnlyList<Glob> Patterns, IReadOnlyList<Glob> Except)
{
    /// <summary>Every tag.</summary>
    public static NameFilter AllTags { get; } = new([Glob.OfTags("*")], []);

    /// <summary>True if the name is one of these.</summary>
    public bool Matches(string name) => Patterns.Any(glob => glob.Matches(name)) && !Except.Any(glob => glob.Matches(name));

    /// <summary>The patterns, for people.</summary>
    public override string ToString() => string.Join(", ", Patterns) + (Except.Count == 0 ? "" : $" except {string.Join(", ", Except)}");
}
