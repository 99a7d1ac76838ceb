using System.Text;

namespace Pail.Cli.Output;

/// <summary>
/// Standard error, which may be a file on a full disk. What can't be told there can't be told at all, and is no reason to stop: the
/// exit code says how it went.
/// </summary>
internal sealed class StandardError(TextWriter writer) : TextWriter
{
    public override Encoding Encoding => writer.Encoding;

    public override void Write(char value) => Write(() => writer.Write(value));

    public override void Write(char[] buffer, int index, int count) => Write(() => writer.Write(buffer, index, count));

    public override void Write(string? value) => Write(() => writer.Write(value));

    public override void Flush() => Write(writer.Flush);

    private static void Write(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
