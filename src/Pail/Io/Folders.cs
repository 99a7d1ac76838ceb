namespace Pail.Io;

/// <summary>Folders that come and go while other processes use them.</summary>
internal static class Folders
{
    // EEXIST, and ERROR_ALREADY_EXISTS of Windows.
    private static bool IsThere(IOException e) => e.HResult is Posix.Exists or unchecked((int)0x800700B7);

    /// <summary>Makes a folder and those above it, unless they are there.</summary>
    /// <remarks>.NET makes a folder, finds it made by another process, looks at it, and throws if it is gone by then: here it is made again.</remarks>
    public static void Make(string path)
    {
        while (true)
        {
            try
            {
                Directory.CreateDirectory(path);
                return;
            }
            catch (IOException e) when (IsThere(e) && !File.Exists(path))
            {
                // It came and went in this moment.
            }
        }
    }

    /// <summary>Removes a folder if it is empty; one that is gone or in use is left alone.</summary>
    public static void RemoveIfEmpty(string path)
    {
        try
        {
            if (Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).Any())
                Directory.Delete(path);
        }
        catch (IOException)
        {
            // Another process put something into it, or removed it, in this moment.
        }
    }

    /// <summary>Removes a file; one that is gone, alone or with its folder, is left alone.</summary>
    public static void RemoveFile(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // Its folder is gone, and it with that.
        }
    }
}
