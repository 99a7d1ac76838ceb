using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;

namespace Pail.Cli.Output;

/// <summary>
/// The two ways out: results go to <see cref="Out"/> (stdout), everything for people to <see cref="Error"/> (stderr).
/// </summary>
/// <param name="output">Standard output.</param>
/// <param name="error">Standard error.</param>
internal sealed partial class Terminal(Stream output, TextWriter error)
{
    private const string ShowCursor = "\e[?25h";

    /// <summary>Standard output, for bytes that must stay as they are.</summary>
    public Stream Out => output;

    /// <summary>Standard output, for lines.</summary>
    public TextWriter Lines { get; } = new StreamWriter(output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };

    /// <summary>Standard error. Safe for several threads.</summary>
    public TextWriter Error { get; } = TextWriter.Synchronized(error);

    /// <summary>True if somebody watches stderr on a terminal that can move its cursor.</summary>
    public bool Interactive { get; init; }

    /// <summary>True if stdout is a terminal.</summary>
    public bool ResultsOnTerminal { get; init; }

    /// <summary>How many characters a line of stdout takes; plenty where it is no terminal.</summary>
    public int ResultWidth { get; init; } = int.MaxValue;

    /// <summary>Where answers and secrets come from.</summary>
    public TextReader Input { get; init; } = Console.In;

    /// <summary>Standard input, for bytes.</summary>
    public Stream InputBytes { get; init; } = Console.OpenStandardInput();

    /// <summary>True if a person can be asked.</summary>
    public bool CanAsk { get; init; }

    /// <summary>Paint for stderr.</summary>
    public Ink Ink { get; init; }

    /// <summary>Paint for stdout.</summary>
    public Ink ResultInk { get; init; }

    /// <summary>True to show where errors come from.</summary>
    public bool Debug { get; init; }

    /// <summary>What System.CommandLine writes with. It handles neither signals nor exceptions: <see cref="PailProgram"/> does.</summary>
    public InvocationConfiguration Invocation => new() { Output = Lines, Error = Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };

    /// <summary>The terminal, pipes or files this process was started with.</summary>
    public static Terminal OfProcess()
    {
        var dumb = !OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable("TERM") is (null or "" or "dumb");
        var interactive = !Console.IsErrorRedirected && !dumb;
        // https://no-color.org: present and not empty.
        var color = !dumb && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new Terminal(Console.OpenStandardOutput(), new StandardError(Console.Error))
        {
            Interactive = interactive,
            ResultsOnTerminal = !Console.IsOutputRedirected,
            CanAsk = !Console.IsInputRedirected && !Console.IsErrorRedirected,
            // A terminal that does not say is taken for one that wraps nothing.
            ResultWidth = Console.IsOutputRedirected || Console.WindowWidth <= 0 ? int.MaxValue : Console.WindowWidth,
            Ink = new Ink(color && !Console.IsErrorRedirected),
            ResultInk = new Ink(color && !Console.IsOutputRedirected),
            Debug = Environment.GetEnvironmentVariable("PAIL_DEBUG") is "1" or "true",
        };
    }

    /// <summary>Writes bytes to stdout as they are; on a terminal, a line end after them.</summary>
    public async Task WriteBytesAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        await output.WriteAsync(bytes, cancel);
        if (ResultsOnTerminal && !bytes.Span.EndsWith("\n"u8))
            output.WriteByte((byte)'\n');
        await output.FlushAsync(cancel);
    }

    /// <summary>Asks a person for a line; for a secret without showing what is typed.</summary>
    public string Ask(string what, bool secret)
    {
        Error.Write($"{what}: ");
        if (!secret)
            return Input.ReadLine() ?? "";
        var typed = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
                typed.Length = Math.Max(0, typed.Length - 1);
            else if (!char.IsControl(key.KeyChar))
                typed.Append(key.KeyChar);
        }
        Error.WriteLine();
        return typed.ToString();
    }

    /// <summary>Writes one line about what went wrong, and returns the exit code.</summary>
    public int Fail(int code, string message, Exception? cause = null)
    {
        Error.WriteLine($"{Ink.Red("pail:")} {Redact(message)}");
        if (Debug && cause is not null)
            Error.WriteLine(Redact(cause.ToString()));
        return code;
    }

    /// <summary>Writes a line for people while something is drawn on stderr; set by who draws.</summary>
    public Action<string>? Aside { get; set; }

    /// <summary>Writes one line about what goes on, beside what is drawn if anything is.</summary>
    public void Notice(string message) => (Aside ?? Error.WriteLine)(Redact(message));

    /// <summary>Says what a signal does.</summary>
    public void Interrupted(bool again)
    {
        if (again && Interactive)
            Error.Write(ShowCursor);
        else if (!again && Interactive)
            Notice("Stopping; unfinished uploads are dropped. Ctrl-C again quits at once.");
    }

    // Whoever wrote the message, what stands before the host of an address is never told: "http://user:password@host".
    private static string Redact(string text) => UserInfo().Replace(text, "://...@");

    [GeneratedRegex(@"://[^/?#\s]*@", RegexOptions.NonBacktracking)]
    private static partial Regex UserInfo();
}
