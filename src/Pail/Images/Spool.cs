using Microsoft.Win32.SafeHandles;

namespace Pail.Images;

/// <summary>A temporary file without a name: gone when it is disposed, and when the process ends, however it ends.</summary>
internal sealed class Spool : IDisposable
{
    private readonly FileStream _file;

    /// <summary>Makes one where the system keeps temporary files (<c>TMPDIR</c>), readable by this user alone.</summary>
    public Spool()
    {
        var path = Path.Combine(Path.GetTempPath(), $"pail-{Guid.NewGuid():N}.tmp");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Delete,
            Options = FileOptions.Asynchronous | FileOptions.DeleteOnClose,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _file = new FileStream(path, options);
        // Unix keeps a file without a name as long as somebody has it open.
        if (!OperatingSystem.IsWindows())
            File.Delete(path);
    }

    /// <summary>Where to write; new bytes go to its end.</summary>
    public FileStream End => _file;

    /// <summary>How many bytes it holds.</summary>
    public long Length => _file.Length;

    /// <summary>For reading at any place, by several at once.</summary>
    public SafeFileHandle Handle => _file.SafeFileHandle;

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
