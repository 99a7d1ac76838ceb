using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pail.Io;
using Pail.Oci;

namespace Pail.Images;

/// <summary>A file as a blob: hashed first, for what it is called is its digest.</summary>
internal sealed class FileBlob : IAsyncDisposable
{
    private readonly SafeFileHandle _file;
    private readonly IDisposable _owner;

    private FileBlob(SafeFileHandle file, IDisposable owner, Descriptor descriptor) => (_file, _owner, Descriptor) = (file, owner, descriptor);

    /// <summary>What it is.</summary>
    public Descriptor Descriptor { get; }

    /// <summary>A file that is there.</summary>
    public static Task<FileBlob> OfFileAsync(string path, CancellationToken cancel) => LocalFiles.RunAsync(path, async () =>
    {
        var file = new FileStream(path, new FileStreamOptions { Share = FileShare.Read, Options = FileOptions.Asynchronous | FileOptions.SequentialScan, BufferSize = 0 });
        try
        {
            // A pipe can be read once only.
            return file.CanSeek ? await OfAsync(file.SafeFileHandle, file, file, file.Length, cancel) : await SpoolAsync(file, cancel);
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    });

    /// <summary>All of a stream, which goes to a temporary file.</summary>
    public static Task<FileBlob> OfStreamAsync(Stream stream, CancellationToken cancel) => LocalFiles.RunAsync("stdin", () => SpoolAsync(stream, cancel));

    /// <summary>Opens the bytes.</summary>
    public Task<Stream> OpenAsync(long offset, CancellationToken cancel) => Task.FromResult<Stream>(new FileRange(_file, offset, Descriptor.Size - offset));

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _owner.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task<FileBlob> SpoolAsync(Stream stream, CancellationToken cancel)
    {
        var spool = new Spool();
        try
        {
            await using (stream)
                await stream.CopyToAsync(spool.Writer, 1 << 20, cancel);
            await using var whole = new FileRange(spool.Handle, 0, spool.Length);
            return await OfAsync(spool.Handle, spool, whole, spool.Length, cancel);
        }
        catch
        {
            spool.Dispose();
            throw;
        }
    }

    private static async Task<FileBlob> OfAsync(SafeFileHandle file, IDisposable owner, Stream bytes, long size, CancellationToken cancel) =>
        new(file, owner, new Descriptor(MediaTypes.OctetStream, Digest.FromHash(DigestAlgorithm.Sha256, await SHA256.HashDataAsync(bytes, cancel)), size));
}
