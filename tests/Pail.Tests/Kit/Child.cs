using System.Diagnostics;
using System.Text;
using System.Runtime.InteropServices;

namespace Pail.Tests.Kit;

/// <summary>How a program ended, and what it printed.</summary>
internal sealed record Finished(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>Itself, if the exit code is 0; else the test fails and shows what was printed.</summary>
    public Finished Succeeded() => Ended(0);

    /// <summary>Itself, if the exit code is this one.</summary>
    public Finished Ended(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"{Command}\nended with {ExitCode}, not {exitCode}.\n{Output}\n{Error}");
        return this;
    }
}

/// <summary>A program run as a child process.</summary>
internal sealed partial class Child : IAsyncDisposable
{
    private readonly string _command;
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    private Child(string command, Process process) =>
        (_command, _process, _output, _error) = (command, process, process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());

    /// <summary>Starts a program, its input empty unless given.</summary>
    /// <param name="program">A path, or a name in the PATH.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables it gets besides ours; null as a value takes one away.</param>
    /// <param name="input">Its input.</param>
    /// <param name="output">How its output is read; null for UTF-8.</param>
    public static Child Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string input = "", Encoding? output = null)
    {
        // Tests of the command that need no other program run it as a child only where it is native.
        if (program != BuiltPail.Native)
            NeedsServersAttribute.Check(program);
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = output,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        return new Child($"{program} {string.Join(' ', start.ArgumentList)}", process);
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<Finished> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string input = "", Encoding? output = null)
    {
        await using var child = Start(program, arguments, environment, input, output);
        return await child.EndAsync();
    }

    /// <summary>True once it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Waits until it ends.</summary>
    public async Task<Finished> EndAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Eventually.Limit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
            return new(_command, _process.ExitCode, await _output.WaitAsync(limit.Token), await _error.WaitAsync(limit.Token));
        }
        catch (OperationCanceledException e) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{_command}\ndid not end in {Eventually.Limit.TotalMinutes} minutes.", e);
        }
    }

    /// <summary>Ctrl-C.</summary>
    public void Interrupt() => Send(2);

    /// <summary><c>kill -9</c>: it gets no chance to do anything.</summary>
    public void Kill() => Send(9);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>Any signal, by its number.</summary>
    public void Send(int signal)
    {
        if (SendSignal(_process.Id, signal) != 0)
            throw new InvalidOperationException($"{_command}\nhas ended already.");
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);
}
