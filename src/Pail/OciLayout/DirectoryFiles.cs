using Pail.Io;

namespace Pail.OciLayout;

/// <summary>A layout, or what is like one, in a directory.</summary>
/// <remarks>
/// Symbolic links are followed, for some build tools make layouts of them: a blob and a manifest prove themselves by
/// their digest before anything of them is visible. What has no size (a pipe, a device) is never opened.
/// </remarks>
internal class DirectoryFiles(string directory) : ILayoutFiles
{
    public Task<long?> SizeAsync(string path, CancellationToken cancel) => Task.FromResult(LocalFiles.SizeOf(Path.Combine(directory, path)));

    public Task<Stream> OpenAsync(string path, long offset, CancellationToken cancel)
    {
        var full = Path.Combine(directory, path);
        if (LocalFiles.SizeOf(full) is null or 0)
            return Task.FromResult(Stream.Null);
        var stream = new FileStream(full, new FileStreamOptions
        {
            Access = FileAccess.Read,
            Share = FileShare.ReadWrite | FileShare.Delete,
            Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
            BufferSize = 0,
        });
        stream.Position = offset;
        return Task.FromResult<Stream>(stream);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
