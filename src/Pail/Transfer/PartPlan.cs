using Pail.Stores;

namespace Pail.Transfer;

/// <summary>
/// The sizes of the parts of an upload. S3's rules: at most 10,000 parts of 5 MiB to 5 GiB, only the last may be smaller;
/// R2 wants all but the last equal. Each part is a billed request, and memory while it moves.
/// </summary>
internal sealed class PartPlan
{
    /// <summary>The smallest part planned, but for the last one: 8 MiB.</summary>
    public const long Smallest = 8 * MiB;

    /// <summary>The largest part planned while 10,000 of them are enough: 32 MiB.</summary>
    public const long Largest = 32 * MiB;

    /// <summary>S3's limit.</summary>
    public const int MaximumParts = 10_000;

    private const long MiB = 1 << 20;

    // Sizes unknown: so many parts before each next thousand doubles. 94 GiB fit at 32 MiB, 5 TiB before part 9,500.
    private const int DoublingFrom = 3000;
    private const int DoublingEvery = 1000;

    private readonly long _size;
    private readonly bool _grows;

    private PartPlan(long size, bool grows) => (_size, _grows) = (size, grows);

    /// <summary>Equal parts for a known size: a thirty-second of it, from 8 to 32 MiB, and larger once 10,000 would not do.</summary>
    /// <param name="size">Size of the object in bytes.</param>
    /// <param name="memory">What all parts in flight may take in bytes: with little of it parts stay small, so that some move at once.</param>
    public static PartPlan For(long size, long memory = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        var wanted = Math.Clamp(WholeMiB(size / 32), Smallest, Cap(memory));
        return new(Math.Max(wanted, WholeMiB((size + MaximumParts - 1) / MaximumParts)), grows: false);
    }

    /// <summary>
    /// Parts for a size not known: 8, 16, then 32 MiB, and larger with the bytes seen, so that 5 TiB fit. While many
    /// uploads share the memory they stay small: each takes only its share (<see cref="BufferPool.Share"/>).
    /// </summary>
    public static PartPlan Growing() => new(Largest, grows: true);

    /// <summary>Equal parts of a given size, for stores that want them equal and a size not known: 10,000 times this fit.</summary>
    public static PartPlan Equal(long partSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(partSize, 5 * MiB);
        return new(partSize, grows: false);
    }

    /// <summary>Parts for bytes that come as they come: growing ones, or, for a store that wants them equal, equal ones.</summary>
    /// <param name="store">Where they go.</param>
    /// <param name="size">How many bytes, if known.</param>
    /// <param name="memory">What all parts in flight may take in bytes.</param>
    public static PartPlan Streamed(IMultipartUploads store, long? size, long memory) =>
        !store.WantsEqualParts ? Growing() : size is { } known ? For(known, memory) : Equal(2 * Smallest);

    /// <summary>The size in bytes of a part that is not the last.</summary>
    /// <param name="number">1 to 10,000.</param>
    /// <exception cref="PailException">There can't be so many parts.</exception>
    public long SizeOf(int number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        if (number > MaximumParts)
            throw new PailException(Failure.BadInput, "The blob does not fit in 10,000 parts: its size must be known when its upload begins.");
        return (_grows, number) switch
        {
            (false, _) => _size,
            (_, 1) => Smallest,
            (_, 2) => 2 * Smallest,
            (_, < DoublingFrom) => _size,
            _ => _size << Math.Min(((number - DoublingFrom) / DoublingEvery) + 1, 7),
        };
    }

    /// <summary>The size in bytes of a part that is not the last, where a smaller one may do.</summary>
    /// <param name="number">1 to 10,000.</param>
    /// <param name="share">How much memory one part should take now. Growing parts heed it as long as so many are not needed to fit.</param>
    public long SizeOf(int number, long share) => _grows && number < DoublingFrom ? Math.Clamp(share, Smallest, SizeOf(number)) : SizeOf(number);

    // At least eight parts in memory, else sending and reading don't overlap.
    private static long Cap(long memory) => Math.Clamp(memory / 8 / MiB * MiB, Smallest, Largest);

    private static long WholeMiB(long bytes) => (bytes + MiB - 1) / MiB * MiB;
}
