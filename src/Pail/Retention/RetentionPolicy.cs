using Pail.Policies;

namespace Pail.Retention;

/// <summary>What the retention file of a bucket says. docs/retention.md has the grammar.</summary>
internal sealed record RetentionPolicy
{
    /// <summary>The largest file that is read, in bytes.</summary>
    public const int MaxSize = 256 << 10;

    /// <summary>The policy of a bucket without a file: nothing expires, no tag is immutable.</summary>
    public static RetentionPolicy Empty { get; } = new();

    /// <summary>The rules, in the order of the file.</summary>
    public IReadOnlyList<RetentionRule> Rules { get; init; } = [];

    /// <summary>Which tags can't be moved.</summary>
    public ImmutableTags Immutable { get; init; } = ImmutableTags.None;

    /// <summary>What is kept up to a date, whatever the rules say.</summary>
    public IReadOnlyList<Pin> Pins { get; init; } = [];

    /// <summary>How long what the history of a tag names is kept from collection.</summary>
    public TimeSpan HistoryKeep { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Since when pull times matter; null if no rule asks for them.</summary>
    public DateTimeOffset? PullsSince(DateTimeOffset now)
    {
        var asking = Rules.SelectMany(rule => rule.Keeps).Where(keep => keep.PulledWithin is not null || keep.Choice == KeepChoice.LastPulled).ToList();
        if (asking.Count == 0)
            return null;
        var longest = asking.Max(keep => keep.Choice == KeepChoice.LastPulled ? TimeSpan.MaxValue : keep.PulledWithin!.Value);
        return longest < now - DateTimeOffset.MinValue ? now - longest : DateTimeOffset.MinValue;
    }

    /// <summary>Reads a policy.</summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="name">What the text is called in the error.</param>
    /// <exception cref="PailException">It is not valid (<see cref="Failure.BadContent"/>); the message names line, column, and what to write instead.</exception>
    public static RetentionPolicy Parse(string text, string name)
    {
        var (policy, problems) = Read(text);
        return policy ?? throw new PailException(Failure.BadContent, $"{name}:{problems[0]}.{(problems.Count > 1 ? $" {problems.Count - 1} more: 'pail policy check' lists them." : "")}");
    }

    /// <summary>Reads a policy; null and all that is wrong with it if it is not valid.</summary>
    public static (RetentionPolicy? Policy, IReadOnlyList<PolicyProblem> Problems) Read(string text)
    {
        var problems = new List<PolicyProblem>();
        var policy = new PolicyReader(problems).Read(text);
        return (problems.Count == 0 ? policy : null, problems);
    }
}

/// <summary>A rule: in these repositories, of these tags, what one of its entries keeps stays, and the others are dropped unless another rule keeps them.</summary>
/// <param name="Line">The line it begins at.</param>
/// <param name="Repositories">Which repositories.</param>
/// <param name="Keeps">What it keeps; never empty.</param>
internal sealed record RetentionRule(int Line, NameFilter Repositories, IReadOnlyList<KeepEntry> Keeps)
{
    /// <summary>What people call it; null if they didn't say.</summary>
    public string? Name { get; init; }

    /// <summary>Which tags it is about.</summary>
    public NameFilter Tags { get; init; } = NameFilter.AllTags;

    /// <summary>True if the rule decides about this tag.</summary>
    public bool Covers(string repository, string tag) => Repositories.Matches(repository) && Tags.Matches(tag);

    /// <summary>Its name and line, for people.</summary>
    public override string ToString() => Name is null ? $"the rule of line {Line}" : $"rule '{Name}' (line {Line})";
}

/// <summary>What is kept up to a date.</summary>
/// <param name="Line">The line it begins at.</param>
/// <param name="Repositories">In which repositories.</param>
/// <param name="Tags">Which tags; null if a digest is pinned.</param>
/// <param name="Digest">Which digest, under all its tags; null if tags are pinned.</param>
/// <param name="Until">The first moment at which it is no longer pinned.</param>
internal sealed record Pin(int Line, Glob Repositories, Glob? Tags, Oci.Digest? Digest, DateTimeOffset Until)
{
    /// <summary>Why, as the file says; null if it doesn't.</summary>
    public string? Reason { get; init; }

    /// <summary>True if it pins this tag at that time.</summary>
    public bool Holds(string repository, TagFacts tag, DateTimeOffset now) =>
        now < Until && Repositories.Matches(repository) && (Digest is { } digest ? tag.Digest == digest : Tags!.Matches(tag.Tag));
}
