using System.Runtime.CompilerServices;
using Pail.Oci;

namespace Pail.Io;

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

    /// <summary>Runs work on files at an address that returns things one after the other.</summary>
    public static async IAsyncEnumerable<T> StreamAsync<T>(string address, IAsyncEnumerable<T> work, [EnumeratorCancellation] CancellationToken cancel)
    {
        await using var items = work.GetAsyncEnumerator(cancel);
        while (await RunAsync(address, async () => await items.MoveNextAsync()))
            yield return items.Current;
    }

    /// <summary>The error, as one line.</summary>
    public static PailException Error(string address, Exception e) => new(
        e switch
        {
            UnauthorizedAccessException or { HResult: Posix.ReadOnly } => Failure.Denied,
            FileNotFoundException or DirectoryNotFoundException => Failure.NotFound,
            EndOfStreamException => Failure.BadContent,
            _ => Failure.Unavailable,
        },
        $"{address}: {SafeText.OneLine(e.Message, 400)}",
        e);

    /// <summary>The size of a file, or of what a link leads to; null if there is none.</summary>
    public static long? SizeOf(string path)
    {
        var file = new FileInfo(path);
        var target = file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
        return target is { Exists: true } ? target.Length : null;
    }
}
