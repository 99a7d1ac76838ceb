using Pail.Stores;

namespace Pail.S3;

/// <summary>
/// How many times its usual limit a request may take. A limit that is too short for the store or for this machine, loaded as it
/// may be, would else end every try of the same request at the same point, until none is left. So each time a limit ends a
/// request, the next of its kind gets twice as long, up to eight times; each answer in time halves that again.
/// </summary>
internal sealed class Patience
{
    private const int Most = 3;

    private readonly int[] _levels = new int[Enum.GetValues<StoreOperation>().Length];

    /// <summary>The level that a request of this kind has now.</summary>
    public int LevelOf(StoreOperation operation) => Volatile.Read(ref _levels[(int)operation]);

    /// <summary>A limit at a level.</summary>
    public static TimeSpan Stretch(TimeSpan limit, int level) => limit * (1 << level);

    /// <summary>The limit of that level ended a request. Of many that end at once only one counts.</summary>
    public void Expired(StoreOperation operation, int level) => Interlocked.CompareExchange(ref _levels[(int)operation], Math.Min(level + 1, Most), level);

    /// <summary>A request was answered within the limit of that level.</summary>
    public void Answered(StoreOperation operation, int level)
    {
        if (level > 0)
            Interlocked.CompareExchange(ref _levels[(int)operation], level - 1, level);
    }
}
