namespace Pail.Tests.Kit;

/// <summary>Where programs of other projects run. Clients and engines of both are tested: those of 2022 are still in use, and the current ones differ.</summary>
internal sealed class Machine
{
    private static readonly TimeSpan Limit = TimeSpan.FromHours(1);

    private readonly string[] _before;

    private Machine(params string[] before) => _before = before;

    /// <summary>This machine, with the versions its distribution has.</summary>
    public static Machine Here { get; } = new();

    /// <summary>The root of Debian 13, which <c>./test</c> makes while the first tests run.</summary>
    public static Machine Debian13 { get; } = new(Path.Combine(TestEnvironment.Sources, "eng", "debian-root"), "run");

    /// <summary>Waits until its servers run; fails, with the reason, if they can't be started.</summary>
    public async Task ReadyAsync()
    {
        if (_before.Length == 0)
            return;
        var state = TestEnvironment.Debian;
        await File.WriteAllTextAsync(Path.Combine(state, "wanted"), "", TestContext.Current.CancellationToken);
        for (var began = DateTimeOffset.UtcNow; !File.Exists(Path.Combine(state, "ready")); await Task.Delay(100, TestContext.Current.CancellationToken))
        {
            if (File.Exists(Path.Combine(state, "failed")))
                throw new InvalidOperationException($"The root of Debian 13 or its servers could not be started:\n{await File.ReadAllTextAsync(Path.Combine(state, "failed"))}");
            if (DateTimeOffset.UtcNow - began > Limit)
                throw new TimeoutException($"The root of Debian 13 and its servers were not there after {Limit.TotalMinutes} minutes:\n{await File.ReadAllTextAsync(Path.Combine(state, "log"))}");
        }
    }

    /// <summary>Runs a program to its end.</summary>
    /// <param name="program">Its path there.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables it gets besides ours; null as a value takes one away.</param>
    /// <param name="input">Its input.</param>
    public async Task<Finished> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, string input = "")
    {
        await ReadyAsync();
        string[] command = [.. _before, program, .. arguments];
        return await Child.RunAsync(command[0], command[1..], environment, input);
    }
}
