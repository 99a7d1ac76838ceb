namespace Pail.Buckets.Collecting;

/// <summary>
/// How long the steps of a collection take, which is written in the bucket's settings: all who write to it go by the same.
/// The letters are those of docs/gc.md.
/// </summary>
/// <param name="Seconds">How old the look may be that the write of a manifest or tag rests on. At least <see cref="Least"/>.</param>
/// <param name="From">Before this time of the store's clock nothing is condemned: writers that began before the bucket was collected do not know that it is.</param>
internal sealed record CollectPace(int Seconds = CollectPace.Usual, DateTimeOffset From = default)
{
    public const int Usual = 90;
    public const int Least = 5;

    /// <summary>F: the store refuses a write that comes later than this after the look it rests on.</summary>
    public TimeSpan View => TimeSpan.FromSeconds(Seconds);

    /// <summary>D: a request that the store has accepted takes effect within this, or never.</summary>
    public TimeSpan Late => View / 3;

    /// <summary>E: the clocks of a store's own machines differ by less than this.</summary>
    public TimeSpan Skew => TimeSpan.FromSeconds(Math.Max(1, Seconds / 18));

    /// <summary>A look older than this is taken anew: what is left of its time is enough for a write.</summary>
    public TimeSpan Refresh => View * 2 / 3;

    /// <summary>W: this long after a list was condemned, all writes that rest on looks before it have taken effect, or never will.</summary>
    public TimeSpan Condemned => View + (2 * Late) + Skew + TimeSpan.FromSeconds(1);

    /// <summary>X: this long after a list began to be deleted, no request of that collector takes effect any more.</summary>
    public TimeSpan Deleting => View + Late + Skew + TimeSpan.FromSeconds(1);

    /// <summary>After this, a round in that phase is over even if its collector said no more.</summary>
    public TimeSpan Over(CollectPhase phase) => phase == CollectPhase.Sweeping ? Condemned + Deleting : Deleting;
}
