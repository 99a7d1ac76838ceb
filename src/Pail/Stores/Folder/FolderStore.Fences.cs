using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Pail.Stores.Folder;

// Writes while a lock is held, which those who must know that they are over wait for.
internal sealed partial class FolderStore : IFencedWrites
{
    /// <inheritdoc/>
    public DateTimeOffset? Now => _root.Now;

    /// <inheritdoc/>
    public bool CanStayOpen => false;

    /// <inheritdoc/>
    public async Task<IWriteFence> OpenFenceAsync(TimeSpan life, CancellationToken cancel = default) => new Fence(this, await BlockAsync(() => _fences.Open(cancel), cancel));

    /// <inheritdoc/>
    public Task SettleAsync(TimeSpan time, CancellationToken cancel = default) => BlockAsync(
        () =>
        {
            _fences.Settle(cancel);
            return true;
        },
        cancel);

    // Waits for other processes: on a thread of its own, and without a place among those that write, who may be waited for.
    private async Task<T> BlockAsync<T>(Func<T> call, CancellationToken cancel)
    {
        try
        {
            return await Task.Factory.StartNew(call, cancel, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FolderErrors.Of(_root, "", e);
        }
    }

    private sealed class Fence(FolderStore store, SafeFileHandle held) : IWriteFence
    {
        public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
            store.PutAsync(key, body, headers, condition, cancel);

        public async Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancel = default)
        {
            List<FailedDelete> failed = [];
            foreach (var key in keys)
            {
                try
                {
                    await store.DeleteAsync(key, cancel);
                }
                catch (StoreException e)
                {
                    failed.Add(new(key, e));
                }
            }
            return failed;
        }

        public void Dispose() => held.Dispose();
    }
}
