using Pail.Buckets.Collecting;

namespace Pail.Tests.Collect.Model;

/// <summary>What the bucket of a model holds, and who works on it. Sets of objects are bits; the bits after those of the objects are tags.</summary>
/// <param name="Parts">Of each object what it names; nothing: a blob.</param>
/// <param name="Present">The objects there are.</param>
/// <param name="Tags">Of each tag the object it names; -1: it is not there.</param>
/// <param name="Jobs">What each writer does.</param>
internal sealed record Case(int[] Parts, int Present, int[] Tags, params Job[] Jobs)
{
    /// <summary>How long the store takes a write after the look it rests on; how long an accepted request may still take. In ticks.</summary>
    public const int F = 1, D = 1;

    /// <summary>The steps of docs/gc.md that are taken.</summary>
    public SafetySteps Steps { get; init; } = SafetySteps.All;

    /// <summary>The store keeps conditional writes; else there is one phase.</summary>
    public bool Conditions { get; init; } = true;

    public int Collectors { get; init; } = 1;

    /// <summary>How many lists may be begun.</summary>
    public int Rounds { get; init; } = 2;

    /// <summary>An object that refers to another, and that; -1 if none does.</summary>
    public (int Referrer, int Subject) Refers { get; init; } = (-1, -1);

    /// <summary>A tag that somebody removes; -1 if nobody does.</summary>
    public int Removed { get; init; } = -1;

    /// <summary>Retention: tags may be condemned as well.</summary>
    public bool TagsGo { get; init; }

    /// <summary>Ticks from the list of what is condemned to what rests on it: all writes that were looked up before have come.</summary>
    public int Wait => Steps.CondemnedWait ? F + (2 * D) + 1 : 0;

    /// <summary>How old the fence of a deletion may be.</summary>
    public int Deleting => Conditions ? F : F + (2 * D) + 1 + F;

    /// <summary>Ticks after which a round that deletes is over, whoever began it.</summary>
    public int Over => Deleting + D + 1;

    public int Manifests { get; } = Enumerable.Range(0, Parts.Length).Where(key => Parts[key] != 0).Sum(key => 1 << key);

    /// <summary>An object with its parts, and theirs.</summary>
    public int Closure(int key) => Enumerable.Range(0, Parts.Length).Where(part => (Parts[key] >> part & 1) != 0).Aggregate(1 << key, (all, part) => all | Closure(part));

    public int TagBit(int tag) => 1 << (Parts.Length + tag);

    /// <summary>What the writer asks about before it writes.</summary>
    public int Needs(Job job) => job.Needs
        | (job.Puts >= 0 && Steps.OwnKey ? 1 << job.Puts : 0)
        | (job.Tag >= 0 && TagsGo && Steps.OwnTag ? TagBit(job.Tag) : 0)
        | (Refers.Referrer == job.Puts && job.Puts >= 0 ? 1 << Refers.Subject : 0);
}

/// <summary>What a writer does: looks for what it needs, puts a manifest, then a tag.</summary>
/// <param name="Needs">What must be there.</param>
/// <param name="Has">What of that it can upload.</param>
/// <param name="Puts">The manifest it puts; -1 if none.</param>
/// <param name="Tag">The tag it puts; -1 if none.</param>
/// <param name="Names">What that tag names.</param>
internal sealed record Job(int Needs, int Has, int Puts, int Tag, int Names);
