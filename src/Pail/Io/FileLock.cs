using Pail.Oci;

namespace Pail.Io;

/// <summary>Files that one process at a time works on; a process that dies lets go of its own.</summary>
internal static class FileLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    // None is a lock on Unix; on Windows it would also forbid to rename the file while it is open.
    private static readonly FileShare Alone = OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None;

    /// <summary>Opens a file for nobody else, making it and its folder if need be; waits while another has it.</summary>
    public static Task<FileStream> OpenAsync(string path, CancellationToken cancel) => WaitAsync(
        () =>
        {
            Folders.Make(Path.GetDirectoryName(path)!);
            var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = Alone,
                Options = FileOptions.Asynchronous,
                BufferSize = 0,
            });
            var isFile = file.CanSeek;
            if (isFile && IsNamed(file, path))
                return Task.FromResult(file);
            file.Dispose();
            throw isFile
                ? new FileNotFoundException()
                : new PailException(Failure.BadInput, $"{SafeText.OneLine(path)} exists, but is not a regular file.");
        },
        // The file, or its folder, may have been moved or tidied away since it was opened: then it is made anew.
        e => IsHeld(e) || e is DirectoryNotFoundException or FileNotFoundException,
        cancel);

    /// <summary>Reads a file that others work on; waits while one has it.</summary>
    public static Task<T> ReadAsync<T>(Func<Task<T>> read, CancellationToken cancel) => WaitAsync(read, IsHeld, cancel);

    // The process that had the lock before may have moved or removed the file between our opening and our locking it.
    private static bool IsNamed(FileStream file, string path) => !OperatingSystem.IsLinux()
        || new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget is not { } now
        || Path.GetFileName(now) == Path.GetFileName(path)
        || new FileInfo(path).LinkTarget is not null;

    private static async Task<T> WaitAsync<T>(Func<Task<T>> work, Func<IOException, bool> passes, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                return await work();
            }
            catch (IOException e) when (passes(e))
            {
                await Task.Delay(Pause, cancel);
            }
        }
    }

    // EWOULDBLOCK of Linux, of macOS, and ERROR_SHARING_VIOLATION of Windows.
    private static bool IsHeld(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);
}
