using Microsoft.Win32.SafeHandles;
using Pail.Io;

namespace Pail.Stores.Folder;

/// <summary>
/// Makes writers of one key take turns, in this process and among processes. A lock is a file that is locked, not one that
/// exists: the system frees it when its holder dies. Keys share <see cref="Stripes"/> locks, held for a rename at most.
/// </summary>
internal sealed class FolderLocks(FolderRoot root)
{
    private const int Stripes = 64;

    // Threads of this process queue here, so that only one at a time asks for the file.
    private readonly SemaphoreSlim[] _queues = [.. Enumerable.Range(0, Stripes).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Waits for the turn of a key's writer; disposing ends it.</summary>
    public IDisposable Acquire(string path, CancellationToken cancel)
    {
        var stripe = Stripe(path);
        _queues[stripe].Wait(cancel);
        try
        {
            var file = root.OpenOrMakePrivate($"locks/{stripe:x2}");
            Lock(file, exclusive: true, cancel);
            return new Turn(file, _queues[stripe]);
        }
        catch
        {
            _queues[stripe].Release();
            throw;
        }
    }

    /// <summary>Locks an open file, waiting as long as others hold it. The file is disposed if that is cancelled or fails.</summary>
    public static void Lock(SafeFileHandle file, bool exclusive, CancellationToken cancel)
    {
        try
        {
            // Asked for again and again rather than waited for in the kernel, so that it can be cancelled.
            for (var wait = 1; !Posix.TryLock(file, exclusive); wait = Math.Min(wait * 2, 16))
            {
                cancel.WaitHandle.WaitOne(Random.Shared.Next(1, wait + 1));
                cancel.ThrowIfCancellationRequested();
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // The same in every process and version (FNV-1a), as string.GetHashCode is not.
    private static int Stripe(string path)
    {
        var hash = 2166136261u;
        foreach (var c in path)
            hash = (hash ^ c) * 16777619u;
        return (int)(hash % Stripes);
    }

    private sealed class Turn(SafeFileHandle file, SemaphoreSlim queue) : IDisposable
    {
        public void Dispose()
        {
            file.Dispose();
            queue.Release();
        }
    }
}
