using Microsoft.Win32.SafeHandles;
using Pail.Io;

namespace Pail.Stores.Folder;

/// <summary>A bucket's folder, and its files by their paths in it. Symbolic links inside it are never followed.</summary>
/// <param name="directory">The folder, as people write it.</param>
/// <param name="time">Tells how old a forgotten file is.</param>
internal sealed class FolderRoot(string directory, TimeProvider time)
{
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(1), BetweenSweeps = TimeSpan.FromHours(1);

    private readonly string _given = System.IO.Path.GetFullPath(directory);
    private string? _real;
    private long _swept;

    /// <summary>The bucket's address.</summary>
    public string Name => $"file:{directory}";

    /// <summary>True if the folder is there.</summary>
    public bool Exists => Directory.Exists(_given);

    /// <summary>True if what is there is no directory.</summary>
    public bool IsFile => File.Exists(_given);

    /// <summary>The folder's path without symbolic links and without a slash at its end.</summary>
    /// <exception cref="StoreException">There is no such folder.</exception>
    public string Path => _real ??= Posix.RealPath(_given, out var error) switch
    {
        null when error == Posix.NoEntry => throw FolderErrors.NoBucket(this),
        null => throw Posix.Failed(error),
        var real => real.TrimEnd('/'),
    };

    /// <summary>The path of a file of Pail's own.</summary>
    public string PrivatePath(string name) => $"{Path}/{FolderPaths.Private}/{name}";

    /// <summary>Opens a file for reading; null if there is none, or only behind a symbolic link.</summary>
    public SafeFileHandle? Open(string path)
    {
        var file = Posix.OpenNoLinks(Path, path, write: false, out var error);
        return file is not null || error is Posix.NoEntry or Posix.NotDirectory || error == Posix.Loop || error == Posix.NameTooLong
            ? file
            : throw Posix.Failed(error);
    }

    /// <summary>Opens a directory so that it can be flushed, and makes it if it isn't there.</summary>
    public SafeFileHandle OpenOrMakeDirectory(string path)
    {
        while (true)
        {
            if (Posix.OpenNoLinks(Path, path, write: false, out var error) is { } there)
                return there;
            if (error != Posix.NoEntry)
                throw Posix.Failed(error);
            if (path.Length <= Path.Length)
                throw FolderErrors.NoBucket(this);
            using var parent = OpenOrMakeDirectory(path[..path.LastIndexOf('/')]);
            error = Posix.MakeDirectory(path);
            // Somebody else may make it first, or remove its empty parent again.
            if (error is not (0 or Posix.Exists or Posix.NoEntry))
                throw Posix.Failed(error);
            if (error == 0)
                RandomAccess.FlushToDisk(parent);
        }
    }

    /// <summary>Moves a file or directory into place at once; returns its directory, to be flushed; null if there is nothing at <paramref name="from"/>.</summary>
    public SafeFileHandle? Move(string from, string to)
    {
        while (true)
        {
            var parent = OpenOrMakeDirectory(to[..to.LastIndexOf('/')]);
            var error = Posix.Rename(from, to);
            if (error == 0)
                return parent;
            parent.Dispose();
            if (error != Posix.NoEntry)
                throw Posix.Failed(error);
            // Either the new directory was empty, so a delete tidied it away, or the file is gone.
            if (!System.IO.Path.Exists(from))
                return null;
        }
    }

    /// <summary>A new file of no object yet.</summary>
    public FolderDraft NewDraft()
    {
        Sweep();
        var path = NewPrivatePath("tmp");
        return new(File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete), path);
    }

    /// <summary>
    /// An open file under a new name, to be moved into place like a draft; null where that can't be done.
    /// It is as new as any copy: who looks for what is old must not find it.
    /// </summary>
    public FolderDraft? LinkDraft(SafeFileHandle file)
    {
        var path = NewPrivatePath("tmp");
        try
        {
            File.SetLastWriteTimeUtc(file, time.GetUtcNow().UtcDateTime);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        return Posix.TryLink(file, path) ? new(file, path) : null;
    }

    /// <summary>A path nobody has, in a private directory that is there.</summary>
    public string NewPrivatePath(string parent)
    {
        var path = PrivatePath(parent);
        OpenOrMakeDirectory(path).Dispose();
        return $"{path}/{Guid.NewGuid():n}";
    }

    /// <summary>Opens a file of Pail's own for writing; it is made, empty, unless it is there.</summary>
    public SafeFileHandle OpenOrMakePrivate(string name)
    {
        var path = PrivatePath(name);
        SafeFileHandle? file;
        while ((file = Posix.OpenNoLinks(Path, path, write: true, out var error)) is null)
        {
            if (error != Posix.NoEntry)
                throw Posix.Failed(error);
            OpenOrMakeDirectory(path[..path.LastIndexOf('/')]).Dispose();
            try
            {
                File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write).Dispose();
            }
            catch (IOException) when (File.Exists(path))
            {
                // Somebody else was first.
            }
        }
        return file;
    }

    /// <summary>The names of the files in a directory of Pail's own.</summary>
    public IReadOnlyList<string> PrivateFiles(string name) => [.. new DirectoryInfo(PrivatePath(name)).EnumerateFiles().Select(file => file.Name)];

    /// <summary>The clock.</summary>
    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>
    /// Removes a private file or directory that is of no use any more. Best effort: what another process removes at the same time, or
    /// this user may not remove, is left to a later sweep.
    /// </summary>
    public static void Discard(FileSystemInfo left)
    {
        try
        {
            if (left is DirectoryInfo { LinkTarget: null } directory)
                directory.Delete(recursive: true);
            else
                left.Delete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The summary says why.
        }
    }

    /// <summary>How long ago a file was changed.</summary>
    public TimeSpan Age(DateTime changedUtc) => time.GetUtcNow().UtcDateTime - changedUtc;

    /// <summary>Removes what writers that were killed have left: seldom looked for, and only what is older than any write takes.</summary>
    private void Sweep()
    {
        var now = time.GetTimestamp();
        var before = Interlocked.Read(ref _swept);
        if ((before != 0 && time.GetElapsedTime(before, now) < BetweenSweeps) || Interlocked.CompareExchange(ref _swept, now, before) != before)
            return;
        foreach (var left in List("tmp").Concat(List("uploads").Where(upload => !File.Exists($"{upload.FullName}/content"))))
        {
            if (Age(left.LastWriteTimeUtc) >= Forgotten)
                Discard(left);
        }

        IEnumerable<FileSystemInfo> List(string name)
        {
            using var there = Open(PrivatePath(name));
            return there is null ? [] : [.. new DirectoryInfo(PrivatePath(name)).EnumerateFileSystemInfos()];
        }
    }
}

/// <summary>A file being written that is no object yet. It is removed unless it was moved into place.</summary>
internal sealed class FolderDraft(SafeFileHandle file, string path) : IDisposable
{
    /// <summary>The open file.</summary>
    public SafeFileHandle File => file;

    /// <summary>Where it is.</summary>
    public string Path => path;

    /// <summary>Gives the file its attributes and waits until it is on the disk. Returns its ETag.</summary>
    public string Finish(FolderAttributes attributes)
    {
        var etag = attributes.Write(file) ? attributes.ETag : FolderObjects.ComputeETag(file);
        RandomAccess.FlushToDisk(file);
        return etag;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        file.Dispose();
        // Fails, as it should, where the file has become an object.
        _ = Posix.Unlink(path);
    }
}
