using System.Buffers;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>An object read whole into memory, with the version it had.</summary>
/// <param name="Bytes">All of it.</param>
/// <param name="Info">What the store says of it.</param>
internal sealed record SmallObject(ReadOnlyMemory<byte> Bytes, ObjectInfo Info)
{
    private const int Tries = 40;

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
    /// else again. On a store without conditional writes the change is written, read back, and written again until it
    /// is found there: a change made by somebody else between our read and our write is found missing by them in the
    /// same way, unless they have stopped looking; <c>pail init</c> on the bucket puts that right.
    /// </summary>
    /// <param name="store">Where it is.</param>
    /// <param name="key">The object.</param>
    /// <param name="headers">What it is written with.</param>
    /// <param name="limit">Its largest size in bytes.</param>
    /// <param name="change">From the bytes there are (null: no object) to those there shall be; null when nothing needs to change. May be called often.</param>
    /// <param name="cancel">Ends the attempt.</param>
    public static async Task UpdateAsync(
        IObjectStore store, string key, ObjectHeaders headers, int limit, Func<ReadOnlyMemory<byte>?, byte[]?> change, CancellationToken cancel)
    {
        var conditional = true;
        for (var attempt = 1; attempt <= Tries; attempt++)
        {
            var current = await ReadAsync(store, key, limit, cancel);
            if (change(current?.Bytes) is not { } next)
                return;
            try
            {
                if (conditional && await PutAsync(current is null ? PutCondition.IfAbsent : PutCondition.IfMatch(current.Info.ETag)))
                    return;
            }
            catch (StoreException e) when (e.Error == StoreError.ConditionUnsupported)
            {
                conditional = false;
            }
            if (!conditional)
                await PutAsync(PutCondition.None);
            // Somebody else was faster. Wait a random while, longer each time, so that many writers come through one by one.
            await Task.Delay(Random.Shared.Next(5, 20 * Math.Min(attempt, 20)), cancel);

            async Task<bool> PutAsync(PutCondition condition) =>
                await store.PutAsync(key, new ReadOnlySequence<byte>(next), headers, condition, cancel) is not null;
        }
        throw new PailException(Failure.Conflict, $"{store.Name}: {key} was changed by others {Tries} times while it was being updated. Try again.");
    }
}
