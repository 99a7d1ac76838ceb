using Microsoft.Win32.SafeHandles;
using Pail.Oci;

namespace Pail.Io;

/// <summary>A temporary file without a name: gone when it is disposed, and when the process ends, however it ends.</summary>
internal sealed class Spool : IDisposable
{
    private const long Reserve = 128 << 20;

    private readonly SpoolFile _file;

    /// <summary>Makes one where the system keeps temporary files (<c>TMPDIR</c>), readable by this user alone.</summary>
    /// <param name="reserve">How many bytes (128 MiB) a large one leaves free there, for others to go on with.</param>
    public Spool(long reserve = Reserve)
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
        try
        {
            _file = new SpoolFile(path, options, reserve);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A missing folder must not look like a missing image.
            throw new PailException(
                e is DirectoryNotFoundException ? Failure.BadInput : LocalFiles.Error("", e).Failure,
                $"no temporary file can be made in {SafeText.OneLine(Path.GetTempPath())}: let TMPDIR name a folder that can be written.",
                e);
        }
        // Unix keeps a file without a name as long as somebody has it open.
        if (!OperatingSystem.IsWindows())
            File.Delete(path);
    }

    /// <summary>How many bytes are free where temporary files are kept.</summary>
    public static long Free => FreeIn(Path.GetFullPath(Path.GetTempPath()));

    /// <summary>Where to write; new bytes go to its end.</summary>
    /// <exception cref="PailException"><see cref="Failure.Unavailable"/>, from writing: the disk is nearly full.</exception>
    public FileStream Writer => _file;

    /// <summary>How many bytes it holds.</summary>
    public long Length => _file.Length;

    /// <summary>For reading at any place, by several at once.</summary>
    public SafeFileHandle Handle => _file.SafeFileHandle;

    /// <summary>Opens a stretch of it.</summary>
    public BlobOpener OpenerOf(long start, long length) => (offset, _) => Task.FromResult<Stream>(new FileRange(Handle, start + offset, length - offset));

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static long FreeIn(string folder) => new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(folder)! : folder).AvailableFreeSpace;

    private sealed class SpoolFile(string path, FileStreamOptions options, long reserve) : FileStream(path, options)
    {
        private const long Step = 64 << 20;

        private readonly string _folder = Path.GetDirectoryName(path)!;
        private long _unchecked;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if ((_unchecked += buffer.Length) >= Step)
            {
                ThrowIfFull(null);
                _unchecked = 0;
            }
            try
            {
                await base.WriteAsync(buffer, cancellationToken);
            }
            catch (IOException e)
            {
                ThrowIfFull(e);
                throw;
            }
        }

        private void ThrowIfFull(IOException? cause)
        {
            if (FreeIn(_folder) < reserve)
                throw new PailException(Failure.Unavailable, $"{_folder} is nearly full, and what Pail has to keep there for now is larger: let TMPDIR name a folder with more room.", cause);
        }
    }
}
