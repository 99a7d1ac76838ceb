using System.Text;
using Pail.Cli;
using Pail.Cli.Output;
using Pail.Tests.Kit;

namespace Pail.Tests.Cli;

/// <summary>What a run of the command wrote, and its exit code.</summary>
internal sealed record Ran(int Code, byte[] Bytes, string Error)
{
    public string Output => Encoding.UTF8.GetString(Bytes);

    /// <summary>The lines on stdout.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Itself, if it ended with this code; else the test shows what was written.</summary>
    public Ran Ended(int code)
    {
        Assert.True(Code == code, $"ended with {Code}, not {code}:\n{Output}\n{Error}");
        return this;
    }

    /// <summary>The one line that tells of a failure.</summary>
    public string OneLine()
    {
        var line = Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), text => text.StartsWith("pail: ", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        return line;
    }
}

/// <summary>Runs the command within the test's process, its output caught; the native one as a child.</summary>
internal static class Command
{
    public static async Task<Ran> RunAsync(params string[] arguments)
    {
        if (BuiltPail.Native is not null)
        {
            // Each byte as one character: what it writes may be no text.
            var ended = await Child.RunAsync(BuiltPail.File, arguments, output: Encoding.Latin1);
            return new(ended.ExitCode, Encoding.Latin1.GetBytes(ended.Output), ended.Error);
        }
        using var output = new MemoryStream();
        await using var error = new StringWriter();
        using var interruption = new Interruption();
        var code = await PailProgram.RunAsync(arguments, new Terminal(output, error), interruption);
        return new(code, output.ToArray(), error.ToString());
    }
}
