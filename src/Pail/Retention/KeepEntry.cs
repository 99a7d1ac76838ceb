using Pail.Policies;
using Semver;

namespace Pail.Retention;

/// <summary>Which tags an entry chooses of those that meet its conditions.</summary>
internal enum KeepChoice
{
    /// <summary>All of them.</summary>
    All,

    /// <summary>The tags written last.</summary>
    Last,

    /// <summary>The images written last, with all their tags.</summary>
    LastImages,

    /// <summary>The images pulled last, with all their tags.</summary>
    LastPulled,

    /// <summary>The highest versions.</summary>
    Highest,
}

/// <summary>One reason to keep tags: those that meet all its conditions, or a number of them.</summary>
internal sealed class KeepEntry
{
    internal KeepEntry(int line) => Line = line;

    /// <summary>The line it begins at.</summary>
    public int Line { get; }

    internal NameFilter Tags { get; set; } = NameFilter.AllTags;

    internal SemVersionRange? Range { get; set; }

    internal TimeSpan? NewerThan { get; set; }

    internal TimeSpan? PulledWithin { get; set; }

    /// <summary>The number of highest major versions.</summary>
    internal int? Majors { get; set; }

    internal KeepChoice Choice { get; set; }

    /// <summary>How many are chosen of each group.</summary>
    internal int Count { get; set; }

    /// <summary>Patterns that make groups.</summary>
    internal IReadOnlyList<Glob> Groups { get; set; } = [];

    /// <summary>How many parts of a version make a group; 0 for none.</summary>
    internal int VersionParts { get; set; }

    /// <summary>Keeps tags whose image another tag keeps.</summary>
    internal bool Alias { get; set; }

    /// <summary>Keeps everything if it is not known what runs.</summary>
    internal bool InUse { get; set; }

    /// <summary>What it keeps, in the words of the file.</summary>
    public string Text { get; internal set; } = "";

    internal bool ReadsVersions => Range is not null || Majors is not null || Choice == KeepChoice.Highest || VersionParts > 0;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
