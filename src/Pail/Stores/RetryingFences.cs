using System.Buffers;

namespace Pail.Stores;

/// <summary>Makes fenced writes again that failed for a reason that may pass, until the fence expires.</summary>
internal sealed class RetryingFences(IFencedWrites inner, Retry retry) : IFencedWrites
{
    public DateTimeOffset? Now => inner.Now;

    public bool CanStayOpen => inner.CanStayOpen;

    public async Task<IWriteFence> OpenFenceAsync(TimeSpan life, CancellationToken cancel = default) => new Fence(await inner.OpenFenceAsync(life, cancel), retry);

    public Task SettleAsync(TimeSpan time, CancellationToken cancel = default) => inner.SettleAsync(time, cancel);

    /// <summary>A fence whose writes are made again.</summary>
    internal sealed class Fence(IWriteFence inner, Retry retry) : IWriteFence
    {
        /// <summary>True if a removal was asked for again: the first request may take effect after the second was answered.</summary>
        public bool AskedAgain { get; private set; }

        public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
            retry.RunAsync(token => inner.PutAsync(key, body, headers, condition, token), cancel);

        public async Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancel = default)
        {
            // A batch may fail in part: only what failed for a reason that may pass is asked for again.
            var tries = retry.Begin();
            List<FailedDelete> failed = [];
            while (true)
            {
                try
                {
                    var left = await inner.DeleteAsync(keys, cancel);
                    failed.AddRange(left.Where(item => !item.Error.IsTransient));
                    keys = [.. left.Where(item => item.Error.IsTransient).Select(item => item.Key)];
                    if (keys.Count == 0)
                        return failed;
                    if (!tries.Again(left.First(item => item.Error.IsTransient).Error, cancel))
                        return [.. failed, .. left.Where(item => item.Error.IsTransient)];
                }
                catch (StoreException e) when (tries.Again(e, cancel))
                {
                }
                AskedAgain = true;
                await tries.WaitAsync(cancel);
            }
        }

        public void Dispose() => inner.Dispose();
    }
}
