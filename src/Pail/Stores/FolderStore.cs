using System.Buffers;
using System.Security.Cryptography;
using Pail.Oci;

namespace Pail.Stores;

/// <summary>
/// A bucket in a local folder, for Linux and macOS. Objects lie at their keys, so a web server can serve them as they are
/// (docs/nginx.md). A file gets its name when it is complete and on the disk: readers never see a part of an object, and
/// being killed or a power failure leaves the old object or the new one. Any number of processes may use a folder at once.
/// On a file system without extended attributes the content types Pail writes are kept; Cache-Control, metadata and other types are not.
/// </summary>
public sealed partial class FolderStore : IObjectStore, IServerSideCopy
{
    private readonly FolderRoot _root;
    private readonly FolderObjects _objects;
    private readonly FolderLocks _locks;
    private readonly FolderUploads _uploads;
    private readonly RequestMeter _meter;

    /// <summary>Opens a bucket; nothing is read or written yet.</summary>
    /// <param name="directory">The folder. It must exist when it is used: see <see cref="Create"/>.</param>
    /// <param name="meter">Counts what the same calls would be on S3.</param>
    /// <param name="time">The clock; the system's if null.</param>
    /// <exception cref="PailException">The system is Windows, whose file names can't hold a digest.</exception>
    public FolderStore(string directory, RequestMeter meter, TimeProvider? time = null)
    {
        if (OperatingSystem.IsWindows())
            throw new PailException(Failure.BadInput, $"file:{directory}: a bucket in a folder needs Linux or macOS.");
        _root = new(directory, time ?? TimeProvider.System);
        _objects = new(_root);
        _locks = new(_root);
        _uploads = new(_root);
        _meter = meter;
    }

    /// <inheritdoc/>
    public string Name => _root.Name;

    /// <summary>Makes the folder of a bucket, and those above it, unless it is there.</summary>
    /// <exception cref="StoreException">It can't be made.</exception>
    public static void Create(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var error = e is UnauthorizedAccessException ? StoreError.AccessDenied : StoreError.Rejected;
            throw new StoreException(error, $"file:{directory}: the folder can't be made: {Printable.Line(e.Message)}", e);
        }
    }

    /// <inheritdoc/>
    public Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel) =>
        Read(StoreOperation.HeadObject, key, () => _objects.Head(FolderPaths.Of(key)), cancel);

    /// <summary>
    /// <inheritdoc/> The body of a whole object is a <see cref="FileStream"/>, so that a server can hand the file to the kernel.
    /// </summary>
    public Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel) =>
        Read(StoreOperation.GetObject, key, () => Get(key, range), cancel);

    /// <inheritdoc/>
    public Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel) =>
        Work(StoreOperation.ListObjects, query.Prefix, () => Task.FromResult(new FolderListing(_root, _objects, query).Read(cancel)), cancel);

    /// <inheritdoc/>
    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel) =>
        Work(StoreOperation.PutObject, key, () => PutAsync(FolderPaths.Of(key), body, headers, condition, Hash(key, body, headers), cancel), cancel);

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancel) =>
        Work(StoreOperation.DeleteObject, key, async () =>
        {
            var path = FolderPaths.Of(key);
            using var turn = await _locks.AcquireAsync(path, cancel);
            _objects.Delete(path);
            return true;
        }, cancel);

    /// <inheritdoc/>
    public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel) =>
        Work(StoreOperation.CopyObject, to, async () =>
        {
            if (_objects.Open(FolderPaths.Of(from)) is not var (source, info))
                return false;
            using (source)
            {
                // A hard link would share the attribute, and with it the headers.
                using var draft = _root.NewDraft();
                FolderIO.Copy(source, 0, draft.File, 0, info.Size, cancel);
                await FinishAsync(draft, FolderPaths.Of(to), FolderAttributes.Of(info.ETag, headers), headers.ContentType, PutCondition.None, cancel);
                return true;
            }
        }, cancel);

    private ObjectContent? Get(string key, ByteRange? range)
    {
        if (_objects.Open(FolderPaths.Of(key)) is not var (file, info))
            return null;
        if (range is not var (first, last))
            return new(info, new FileStream(file, FileAccess.Read, bufferSize: 0), info.Size);
        var end = Math.Min(last ?? long.MaxValue, info.Size - 1);
        if (first >= 0 && first <= end)
            return new(info, new FolderRangeStream(file, first, end - first + 1), end - first + 1);
        file.Dispose();
        throw new StoreException(StoreError.RangeNotSatisfiable, $"{Name}, {Printable.Line(key)}: bytes {first}-{last} are asked for, but it has {info.Size}.");
    }

    private async Task<string?> PutAsync(string path, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, string etag, CancellationToken cancel)
    {
        // Looked at before the bytes are written, and again when nobody else writes.
        if (!_objects.Allows(condition, path))
            return null;
        using var draft = _root.NewDraft();
        FolderIO.Write(draft.File, body, 0);
        return await FinishAsync(draft, path, FolderAttributes.Of(etag, headers), headers.ContentType, condition, cancel);
    }

    private async Task<string?> FinishAsync(FolderDraft draft, string path, FolderAttributes attributes, string contentType, PutCondition condition, CancellationToken cancel)
    {
        var etag = attributes.Write(draft.File) ? attributes.ETag : FolderObjects.ComputeETag(draft.File);
        RandomAccess.FlushToDisk(draft.File);
        var published = await PublishAsync(draft.Path, path, FolderTypes.IndexOf(contentType), condition, cancel)
            ?? throw new IOException("The file being written was removed by somebody else.");
        return published ? etag : null;
    }

    // True if it is published, false if the condition does not hold, null if there is no such file.
    private async Task<bool?> PublishAsync(string file, string path, int suffix, PutCondition condition, CancellationToken cancel)
    {
        Microsoft.Win32.SafeHandles.SafeFileHandle? directory;
        using (await _locks.AcquireAsync(path, cancel))
        {
            if (!_objects.Allows(condition, path))
                return false;
            directory = _objects.Publish(file, path, suffix);
        }
        if (directory is null)
            return null;
        using (directory)
            RandomAccess.FlushToDisk(directory);
        return true;
    }

    private string Hash(string key, ReadOnlySequence<byte> body, ObjectHeaders headers)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in body)
            hash.AppendData(segment.Span);
        var digest = Digest.FromHash(DigestAlgorithm.Sha256, hash.GetHashAndReset());
        return headers.Sha256 is not { } stated || stated == digest
            ? FolderObjects.ETagOf(digest)
            : throw new StoreException(StoreError.ChecksumMismatch, $"{Name}, {Printable.Line(key)}: the bytes have {digest}, not {stated}.");
    }

    // Reading is a few system calls on what is mostly in memory: not worth another thread.
    private Task<T> Read<T>(StoreOperation operation, string key, Func<T> call, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested)
            return Task.FromCanceled<T>(cancel);
        _meter.Count(operation);
        try
        {
            return Task.FromResult(call());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Task.FromException<T>(FolderErrors.Of(_root, key, e));
        }
        catch (StoreException e)
        {
            return Task.FromException<T>(e);
        }
    }

    // Writing waits for the disk, in calls that block.
    private Task<T> Work<T>(StoreOperation operation, string key, Func<Task<T>> call, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested)
            return Task.FromCanceled<T>(cancel);
        _meter.Count(operation);
        return Task.Run(async () =>
        {
            try
            {
                return await call();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw FolderErrors.Of(_root, key, e);
            }
        }, cancel);
    }
}
