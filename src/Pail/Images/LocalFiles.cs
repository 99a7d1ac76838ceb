using Pail.Oci;
using Pail.Stores;

namespace Pail.Images;

/// <summary>Says what the file system refuses in the terms of <see cref="PailException"/>.</summary>
internal static class LocalFiles
{
    /// <summary>Runs work on files at an address.</summary>
    public static async Task<T> RunAsync<T>(string address, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Error(address, e);
        }
    }

    /// <summary>The error, as one line.</summary>
    public static PailException Error(string address, Exception e) => new(
        e switch
        {
            UnauthorizedAccessException or { HResult: FolderPosix.ReadOnly } => Failure.Denied,
            FileNotFoundException or DirectoryNotFoundException => Failure.NotFound,
            EndOfStreamException => Failure.BadContent,
            _ => Failure.Unavailable,
        },
        $"{address}: {Printable.Line(e.Message, 400)}",
        e);
}
