using System.Buffers;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Stores;

namespace Pail.Collect;

/// <summary>The register as a collector writes it: each write only if nobody else wrote since it was read.</summary>
/// <param name="bucket">The bucket.</param>
internal sealed class Register(Bucket bucket)
{
    /// <summary>What the register said when it was read or written last.</summary>
    public CollectState State { get; private set; } = CollectState.None;

    /// <summary>When that was written, by the store's clock; null where there is no register.</summary>
    public ObjectInfo? Info { get; private set; }

    /// <summary>Reads it. One GET.</summary>
    public async Task ReadAsync(CancellationToken cancel) => (State, Info) = await CollectState.ReadAsync(bucket.Store, cancel);

    /// <summary>Writes it unless somebody else did. One PUT; one GET to learn its time, or who was first.</summary>
    /// <param name="wanted">What it has to say.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <param name="fence">The fence to write through, where the store keeps no conditions; null for none.</param>
    /// <returns>False if somebody else did; it says what they wrote then.</returns>
    public async Task<bool> TryWriteAsync(CollectState wanted, CancellationToken cancel, IWriteFence? fence = null)
    {
        wanted = wanted with { Pen = $"{Guid.NewGuid():n}" };
        var condition = !bucket.Steps.CompareAndSwap ? PutCondition.None : Info is null ? PutCondition.IfAbsent : PutCondition.IfMatch(Info.ETag);
        var bytes = new ReadOnlySequence<byte>(wanted.ToBytes());
        await (fence is null ? bucket.Store.PutAsync(CollectState.Key, bytes, V2Layout.ListHeaders, condition, cancel) : fence.PutAsync(CollectState.Key, bytes, V2Layout.ListHeaders, PutCondition.None, cancel));
        // Read back in any case: a write whose answer was lost is told as refused when it is tried again.
        await ReadAsync(cancel);
        return State.Pen == wanted.Pen;
    }
}
