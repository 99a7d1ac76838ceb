using Pail.Io;

namespace Pail.Stores.Folder;

/// <summary>What the operating system says, in a store's terms.</summary>
internal static class FolderErrors
{
    /// <summary>The bucket's folder is not there.</summary>
    public static StoreException NoBucket(FolderRoot root) => new(
        StoreError.NoSuchBucket,
        root.IsFile ? $"{root.Name}: this is a file; a folder is expected." : $"{root.Name}: there is no such folder. 'pail init {root.Name}' makes one.");

    /// <summary>What a failure of the file system is to a caller of the store.</summary>
    /// <param name="root">The bucket.</param>
    /// <param name="what">The key, or what else the call is about.</param>
    /// <param name="e">The failure.</param>
    public static StoreException Of(FolderRoot root, string what, Exception e)
    {
        if (!root.Exists)
            return NoBucket(root);
        var (error, says) = e switch
        {
            UnauthorizedAccessException => (StoreError.AccessDenied, "the file permissions forbid it"),
            PathTooLongException => (StoreError.Rejected, "the path is too long for this file system"),
            _ => Of(e.HResult, e.Message),
        };
        var subject = what.Length == 0 ? root.Name : $"{root.Name}, {Oci.SafeText.OneLine(what)}";
        return new(error, $"{subject}: {says}.", e);
    }

    // Disk full and its like may pass: somebody can make room while the caller retries.
    private static (StoreError, string) Of(int errno, string message) => errno switch
    {
        Posix.NoPermission or Posix.AccessDenied => (StoreError.AccessDenied, "the file permissions forbid it"),
        Posix.ReadOnly => (StoreError.AccessDenied, "the file system is read-only"),
        Posix.NoSpace => (StoreError.Unavailable, "the disk is full"),
        Posix.TooManyFiles or Posix.TooManyFilesInSystem => (StoreError.Unavailable, "too many files are open (see ulimit -n)"),
        Posix.CrossDevice => (StoreError.Rejected, "it lies on another file system than the folder, so it can't be written at once"),
        Posix.NotDirectory or Posix.IsDirectory or Posix.Exists => (StoreError.Rejected, "a file that isn't Pail's is in the way"),
        _ when errno == Posix.QuotaExceeded => (StoreError.Unavailable, "the disk quota is used up"),
        _ when errno == Posix.Loop => (StoreError.Rejected, "a symbolic link is in the way; Pail follows none inside a bucket"),
        _ when errno == Posix.NameTooLong => (StoreError.Rejected, "the path is too long for this file system"),
        _ => (StoreError.Unavailable, Oci.SafeText.OneLine(message.TrimEnd('.'))),
    };
}
