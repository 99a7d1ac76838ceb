using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pail.Oci;

namespace Pail.Stores.Folder;

/// <summary>
/// A bucket in a local folder, for Linux and macOS. Objects lie at their keys, so a web server can serve them as they are
/// (docs/nginx.md). A file gets its name when it is complete and on the disk: readers never see a part of an object, and
/// being killed or a power failure leaves the old object or the new one. Any number of processes may use a folder at once.
/// On a file system without extended attributes the content types Pail writes are kept; Cache-Control, metadata and other types are not.
/// </summary>
internal sealed partial class FolderStore : IObjectStore, IServerSideCopy
{
    // As many writes at once as a disk has use for, in the whole process.
    private static readonly SemaphoreSlim Workers = new(32);

    private readonly FolderRoot _root;
    private readonly FolderObjects _objects;
    private readonly FolderLocks _locks;
    private readonly FolderFences _fences;
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
        _fences = new(_root);
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
            throw new StoreException(error, $"file:{directory}: the folder can't be made: {SafeText.OneLine(e.Message)}", e);
        }
    }

    /// <inheritdoc/>
    public Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default) =>
        Read(StoreOperation.HeadObject, key, () => _objects.Head(FolderPaths.Of(key)), cancel);

    /// <summary>
    /// <inheritdoc/> The body of a whole object is a <see cref="FileStream"/>, so that a server can hand the file to the kernel.
    /// </summary>
    public Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default) =>
        Read(StoreOperation.GetObject, key, () => Get(key, range), cancel);

    /// <inheritdoc/>
    public Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) =>
        Task.Run(() => Read(StoreOperation.ListObjects, query.Prefix, () => new FolderListing(_root, _objects, query).Read(cancel), cancel), cancel);

    /// <inheritdoc/>
    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.PutObject, key, () => Put(key, body, headers, condition, cancel), cancel);

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.DeleteObject, key, () =>
        {
            var path = FolderPaths.Of(key);
            using var turn = _locks.Acquire(path, cancel);
            _objects.Delete(path);
            return true;
        }, cancel);

    /// <summary>
    /// <inheritdoc/> With the headers it has already, it becomes a second name of the same file: a layer in many repositories
    /// takes its space once. Other headers need a file of their own, as they lie in the file.
    /// </summary>
    public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.CopyObject, to, () => Copy(from, to, headers, cancel), cancel);

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
        throw new StoreException(StoreError.RangeNotSatisfiable, $"{Name}, {SafeText.OneLine(key)}: bytes {first}-{last} are asked for, but it has {info.Size}.");
    }

    private string? Put(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel)
    {
        var path = FolderPaths.Of(key);
        var attributes = FolderAttributes.Of(Hash(key, body, headers), headers);
        // Looked at before the bytes are written, and again when nobody else writes.
        if (!_objects.Allows(condition, path))
            return null;
        using var draft = _root.NewDraft();
        FolderIO.Write(draft.File, body, 0);
        var etag = draft.Finish(attributes);
        return Publish(draft, path, headers, condition, cancel) ? etag : null;
    }

    private bool Copy(string from, string to, ObjectHeaders headers, CancellationToken cancel)
    {
        if (_objects.Open(FolderPaths.Of(from)) is not var (source, info))
            return false;
        using (source)
        {
            var path = FolderPaths.Of(to);
            var attributes = FolderAttributes.Of(info.ETag, headers);
            var same = FolderAttributes.Read(source)?.ToString() == attributes.ToString();
            using var draft = (same ? _root.LinkDraft(source) : null) ?? _root.NewDraft();
            if (draft.File != source)
            {
                FolderIO.Copy(source, 0, draft.File, 0, info.Size, cancel);
                draft.Finish(attributes);
            }
            return Publish(draft, path, headers, PutCondition.None, cancel);
        }
    }

    private bool Publish(FolderDraft draft, string path, ObjectHeaders headers, PutCondition condition, CancellationToken cancel) =>
        Publish(draft.Path, path, FolderTypes.IndexOf(headers.ContentType), condition, cancel)
            ?? throw new IOException("The file being written was removed by somebody else.");

    // True if it is published, false if the condition does not hold, null if there is no such file.
    private bool? Publish(string file, string path, int suffix, PutCondition condition, CancellationToken cancel)
    {
        SafeFileHandle? directory;
        using (_locks.Acquire(path, cancel))
        {
            if (!_objects.Allows(condition, path))
                return false;
            directory = _objects.Publish(file, path, suffix);
        }
        using (directory)
            if (directory is not null)
                RandomAccess.FlushToDisk(directory);
        return directory is null ? null : true;
    }

    private string Hash(string key, ReadOnlySequence<byte> body, ObjectHeaders headers)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in body)
            hash.AppendData(segment.Span);
        var digest = Digest.FromHash(DigestAlgorithm.Sha256, hash.GetHashAndReset());
        return headers.Sha256 is not { } stated || stated == digest
            ? FolderObjects.ETagOf(digest)
            : throw new StoreException(StoreError.ChecksumMismatch, $"{Name}, {SafeText.OneLine(key)}: the bytes have {digest}, not {stated}.");
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

    // Writing waits for the disk and for other writers in calls that block: on threads of their own, so that those of the pool stay free.
    private async Task<T> WorkAsync<T>(StoreOperation operation, string key, Func<T> call, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        _meter.Count(operation);
        await Workers.WaitAsync(cancel);
        try
        {
            return await Task.Factory.StartNew(call, cancel, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FolderErrors.Of(_root, key, e);
        }
        finally
        {
            Workers.Release();
        }
    }
}
