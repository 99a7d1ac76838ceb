using Pail.Cli.Output;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

/// <summary>A file that people write, given as an argument.</summary>
internal static class WrittenFile
{
    /// <summary>True if the argument is the address of a bucket rather than a file.</summary>
    public static bool IsBucket(string argument) => argument.StartsWith("s3://", StringComparison.Ordinal) || argument.StartsWith("file:", StringComparison.Ordinal);

    /// <summary>Reads a local file, or standard input for <c>-</c>.</summary>
    /// <param name="terminal">Where standard input is.</param>
    /// <param name="file">The argument.</param>
    /// <param name="what">What it holds, for errors.</param>
    /// <param name="limit">The most characters it may have.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">It is a folder, or larger.</exception>
    public static async Task<string> ReadAsync(Terminal terminal, string file, string what, int limit, CancellationToken cancel)
    {
        if (Directory.Exists(file))
            throw Addressed.Bad(file, $"it is a folder; a file with {what} is expected.");
        using var text = file == "-" ? new StreamReader(terminal.InputBytes, leaveOpen: true) : new StreamReader(file);
        var buffer = new char[limit + 1];
        var length = await text.ReadBlockAsync(buffer, cancel);
        return length <= limit
            ? new string(buffer, 0, length)
            : throw new PailException(Failure.BadContent, $"{SafeText.OneLine(file)}: {what} has at most {ByteSize.Format(limit)}.");
    }
}
