using System.CommandLine;
using Pail.Cli.Output;
using Pail.Oci;

namespace Pail.Cli;

/// <summary>One run of the command: reads the command line, runs its verb, and turns what went wrong into one line and an exit code.</summary>
internal static class PailProgram
{
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, Interruption interruption)
    {
        interruption.Heard = terminal.Interrupted;
        try
        {
            // A leading '@' means nothing to Pail, so S.CL's response files are off.
            var parsed = new PailCommand(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Errors.Count > 0)
                return terminal.Fail(ExitCode.BadUsage, UsageError.Describe(parsed, args));
            return await parsed.InvokeAsync(terminal.Invocation, interruption.Token);
        }
        catch (Exception e) when (interruption.ExitCode is { } code && IsCancellation(e))
        {
            return terminal.Fail(code, "interrupted.");
        }
        catch (Exception e)
        {
            return terminal.Fail(CodeOf(e), MessageOf(e), e);
        }
    }

    // What is under way when the token is cancelled may end with its own error, caused by the cancellation.
    private static bool IsCancellation(Exception? e) => e is OperationCanceledException || (e?.InnerException is { } inner && IsCancellation(inner));

    private static int CodeOf(Exception e) => e switch
    {
        PailException known => ExitCode.Of(known.Failure),
        FileNotFoundException or DirectoryNotFoundException => ExitCode.NotFound,
        UnauthorizedAccessException => ExitCode.Denied,
        IOException => ExitCode.Unavailable,
        _ => ExitCode.Unexpected,
    };

    private static string MessageOf(Exception e) => e is PailException or IOException or UnauthorizedAccessException
        ? SafeText.OneLine(e.Message, limit: 1000)
        : $"this should not have happened: {e.GetType().Name}: {SafeText.OneLine(e.Message)} (PAIL_DEBUG=1 shows where; please report it)";
}
