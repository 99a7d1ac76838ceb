using System.Buffers;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>An object read whole into memory, with the version it had.</summary>
/// <param name="Bytes">All of it.</param>
/// <param name="Info">What the store says of it.</param>
internal sealed record SmallObject(ReadOnlyMemory<byte> Bytes, ObjectInfo Info)
{
    private const int Tries = 40;
    private const int Settled = 3;

    /// <summary>Reads an object of at most <paramref name="limit"/> bytes; null if there is none.</summary>
    /// <exception cref="PailException">It is larger (<see cref="Failure.BadContent"/>).</exception>
    public static async Task<SmallObject?> ReadAsync(IObjectStore store, string key, int limit, CancellationToken cancel)
    {
        if (await store.GetAsync(key, null, cancel) is not { } content)
            return null;
        await using (content)
        {
            if (content.Length > limit)
                throw new PailException(Failure.BadContent, $"{store.Name}: {key} has {content.Length} bytes, and at most {limit} are taken.");
            var bytes = new byte[content.Length];
            await content.Body.ReadExactlyAsync(bytes, cancel);
            return new SmallObject(bytes, content.Info);
        }
    }

    /// <summary>
    /// Changes an object that others may be changing at the same time: read, change, write only if nobody wrote meanwhile,
    /// else again. On a store without conditional writes the change is written, and written again until it was found there
    /// three times in a row, a random while apart: a writer that read before we wrote takes our change away, and has written by then.
    /// </summary>
    /// <param name="store">Where it is.</param>
    /// <param name="key">The object.</param>
    /// <param name="headers">What it is written with.</param>
    /// <param name="limit">Its largest size in bytes.</param>
    /// <param name="conditions">Which conditions the store keeps.</param>
    /// <param name="change">From the bytes there are (null: no object) to those there shall be; null when nothing needs to change. May be called often.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public static async Task UpdateAsync(
        IObjectStore store, string key, ObjectHeaders headers, int limit, WriteConditions conditions, Func<ReadOnlyMemory<byte>?, byte[]?> change, CancellationToken cancel)
    {
        var (blind, found) = (false, 0);
        for (var attempt = 1; attempt <= Tries; attempt++)
        {
            var current = await ReadAsync(store, key, limit, cancel);
            if (change(current?.Bytes) is not { } next)
            {
                if (!blind || ++found == Settled)
                    return;
            }
            else
            {
                found = 0;
                if (ConditionOf(current) is { } condition)
                {
                    try
                    {
                        if (await PutAsync(condition))
                            return;
                    }
                    catch (StoreException e) when (e.Error == StoreError.ConditionUnsupported)
                    {
                        conditions = condition.Absent ? conditions with { IfAbsent = false } : conditions with { IfMatch = false };
                    }
                }
                if (ConditionOf(current) is null)
                    blind |= await PutAsync(PutCondition.None);
            }
            await PauseAsync(attempt, cancel);

            async Task<bool> PutAsync(PutCondition condition) =>
                await store.PutAsync(key, new ReadOnlySequence<byte>(next), headers, condition, cancel) is not null;
        }
        throw Contended(store, key);

        PutCondition? ConditionOf(SmallObject? current) => current switch
        {
            null => conditions.IfAbsent ? PutCondition.IfAbsent : null,
            { Info.ETag: { Length: > 0 } etag } when conditions.IfMatch => PutCondition.IfMatch(etag),
            _ => null,
        };
    }

    /// <summary>
    /// Writes an object that follows from what is in the bucket until it says what is there: looked at after each write, so the last of
    /// many writers leaves it right, whatever conditions the store keeps. Needs a store whose lists show what was written before.
    /// </summary>
    /// <param name="store">Where it is.</param>
    /// <param name="key">The object.</param>
    /// <param name="headers">What it is written with.</param>
    /// <param name="limit">Its largest size in bytes.</param>
    /// <param name="derive">What it has to be now.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public static async Task DeriveAsync(IObjectStore store, string key, ObjectHeaders headers, int limit, Func<Task<byte[]>> derive, CancellationToken cancel)
    {
        for (var attempt = 1; attempt <= Tries; attempt++)
        {
            var wanted = await derive();
            if (await ReadAsync(store, key, limit, cancel) is { } current && current.Bytes.Span.SequenceEqual(wanted))
                return;
            await store.PutAsync(key, new ReadOnlySequence<byte>(wanted), headers, PutCondition.None, cancel);
            await PauseAsync(attempt, cancel);
        }
        throw Contended(store, key);
    }

    // Somebody else may be faster. A random while, longer each time, so that many writers come through one by one.
    private static Task PauseAsync(int attempt, CancellationToken cancel) => Task.Delay(Random.Shared.Next(5, 20 * Math.Min(attempt, 20)), cancel);

    private static PailException Contended(IObjectStore store, string key) =>
        new(Failure.Conflict, $"{store.Name}: {key} was changed by others {Tries} times while it was being updated. Try again.");
}
