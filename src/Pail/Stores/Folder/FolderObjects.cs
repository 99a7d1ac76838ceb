using Microsoft.Win32.SafeHandles;
using Pail.Io;

namespace Pail.Stores.Folder;

/// <summary>
/// Objects as files. One key may have several files, of different suffixes: the first in the order of
/// <see cref="FolderTypes.Suffixes"/> is the object, others behind it are stale. That makes the change of an object's
/// content type one step for every reader who tries the suffixes in that order, Pail or a web server:
/// <list type="bullet">
/// <item>to a suffix that comes earlier: the new file hides the old one, which stays, as a reader may just be past the new one;</item>
/// <item>to a later one: the new file comes in hidden, then those before it go, the nearest first, so that the switch is the removal of the first;</item>
/// <item>a delete removes the hidden ones first, the object last.</item>
/// </list>
/// Stopped at any point, the old object or the new one is left. Writers of one key take turns (<see cref="FolderLocks"/>); readers need not.
/// </summary>
internal sealed class FolderObjects(FolderRoot root)
{
    /// <summary>Above this size a file without our attribute gets an ETag of its size and time rather than of its content.</summary>
    private const int MaxHashed = 4 << 20;

    /// <summary>Opens the object at a path of <see cref="FolderPaths.Of"/>; null if there is none. The caller disposes the file.</summary>
    public (SafeFileHandle File, ObjectInfo Info)? Open(string path)
    {
        var start = $"{root.Path}/{path}";
        var found = OpenFirst(start, FolderTypes.Suffixes.Length);
        // A file that came before the one found hides it: that may be stale, or the next version, whose switch is yet to come.
        while (found is { Suffix: > 0 } hidden && OpenFirst(start, hidden.Suffix) is { } first)
        {
            hidden.File.Dispose();
            found = first;
        }
        if (found is var (file, info, _))
            return (file, info);
        return root.Exists ? null : throw FolderErrors.NoBucket(root);
    }

    /// <summary>What the object at a path is; null if there is none.</summary>
    public ObjectInfo? Head(string path)
    {
        if (Open(path) is not var (file, info))
            return null;
        file.Dispose();
        return info;
    }

    /// <summary>True if a write under this condition may happen now.</summary>
    public bool Allows(PutCondition condition, string path) =>
        condition == PutCondition.None
        || (Head(path) is { } current ? !condition.Absent && condition.ETag == current.ETag : condition.Absent);

    /// <summary>
    /// Makes a file, flushed and with its attributes, the object. The caller holds the key's lock. Returns the file's directory,
    /// to be flushed by the caller; null if there is no file at <paramref name="from"/>.
    /// </summary>
    public SafeFileHandle? Publish(string from, string path, int suffix)
    {
        var start = $"{root.Path}/{path}";
        var directory = root.Move(from, start + FolderTypes.Suffixes[suffix]);
        for (var before = suffix - 1; directory is not null && before >= 0; before--)
            if (File.Exists(start + FolderTypes.Suffixes[before]))
            {
                // After a power failure the removal must not be there without the new file.
                RandomAccess.FlushToDisk(directory);
                Remove(start + FolderTypes.Suffixes[before]);
            }
        return directory;
    }

    /// <summary>Removes the object and the directories it leaves empty. The caller holds the key's lock.</summary>
    public void Delete(string path)
    {
        var start = $"{root.Path}/{path}";
        var parent = start[..start.LastIndexOf('/')];
        using var directory = root.Open(parent);
        if (directory is null)
        {
            if (!root.Exists)
                throw FolderErrors.NoBucket(root);
            return;
        }
        var removed = false;
        for (var suffix = FolderTypes.Suffixes.Length - 1; suffix >= 0; suffix--)
            removed |= Remove(start + FolderTypes.Suffixes[suffix]);
        if (removed)
            RandomAccess.FlushToDisk(directory);
        for (; removed && parent.Length > root.Path.Length && Posix.RemoveDirectory(parent) == 0; parent = parent[..parent.LastIndexOf('/')])
        {
        }
    }

    /// <summary>The ETag of a file that has no attribute of ours.</summary>
    public static string ComputeETag(SafeFileHandle file)
    {
        var size = RandomAccess.GetLength(file);
        if (size > MaxHashed)
            return $"{size:x}-{File.GetLastWriteTimeUtc(file).Ticks:x}";
        var content = new byte[size];
        for (int done = 0, read; done < content.Length; done += read)
            if ((read = RandomAccess.Read(file, content.AsSpan(done), done)) == 0)
                break;
        return ETagOf(Oci.Digest.Of(content));
    }

    /// <summary>The ETag of content with this digest: half of it, as long as S3's are.</summary>
    public static string ETagOf(Oci.Digest sha256) => sha256.Hex[..32];

    // The first of so many suffixes that has a file.
    private (SafeFileHandle File, ObjectInfo Info, int Suffix)? OpenFirst(string start, int suffixes)
    {
        for (var suffix = 0; suffix < suffixes; suffix++)
        {
            if (root.Open(start + FolderTypes.Suffixes[suffix]) is not { } file)
                continue;
            try
            {
                if (Describe(file, suffix) is { } info)
                    return (file, info, suffix);
            }
            catch
            {
                file.Dispose();
                throw;
            }
            file.Dispose();
        }
        return null;
    }

    // Null for a directory, a pipe and the like that somebody gave an object's name.
    private static ObjectInfo? Describe(SafeFileHandle file, int suffix)
    {
        if (!IsFile(file))
            return null;
        var attributes = FolderAttributes.Read(file);
        return new(
            RandomAccess.GetLength(file),
            attributes?.ETag ?? ComputeETag(file),
            new DateTimeOffset(File.GetLastWriteTimeUtc(file)),
            FolderTypes.TypeOf(suffix) ?? attributes?.ContentType ?? Oci.MediaTypes.OctetStream)
        {
            CacheControl = attributes?.CacheControl,
            Metadata = attributes?.Metadata ?? System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty,
        };
    }

    private static bool IsFile(SafeFileHandle file)
    {
        try
        {
            return RandomAccess.GetLength(file) >= 0 && !File.GetAttributes(file).HasFlag(FileAttributes.Directory);
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }

    private static bool Remove(string file) => Posix.Unlink(file) switch
    {
        0 => true,
        // A directory of that name is nobody's object.
        Posix.NoEntry or Posix.NotDirectory or Posix.IsDirectory => false,
        var error => throw Posix.Failed(error),
    };
}
