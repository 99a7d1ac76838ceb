namespace Pail.Collect;

/// <summary>What a collection found and did.</summary>
internal sealed record CollectReport
{
    /// <summary>How many rounds removed something.</summary>
    public int Rounds { get; init; }

    /// <summary>Objects that are gone, or in a dry run would be, by what they are.</summary>
    public IReadOnlyDictionary<string, Freed> Freed { get; init; } = new SortedDictionary<string, Freed>();

    /// <summary>Objects of images and of Pail's own at the end, and their bytes.</summary>
    public Freed Kept { get; init; } = new(0, 0);

    /// <summary>Objects that are none of Pail's.</summary>
    public Freed Foreign { get; init; } = new(0, 0);

    /// <summary>What could not be read or removed, one line each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The keys removed, or that would be.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];
}

/// <summary>A number of objects and their bytes.</summary>
internal sealed record Freed(long Objects, long Bytes)
{
    public static Freed operator +(Freed some, Freed more) => new(some.Objects + more.Objects, some.Bytes + more.Bytes);
}
