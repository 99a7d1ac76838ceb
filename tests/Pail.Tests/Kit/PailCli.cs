namespace Pail.Tests.Kit;

/// <summary>The <c>pail</c> program, run as a child process against one S3 endpoint.</summary>
/// <param name="endpoint">The S3 server.</param>
/// <param name="docker">The Docker Engine; null for the first.</param>
/// <param name="home">The user's home; null for the tests' own.</param>
internal sealed class PailCli(Uri endpoint, string? docker = null, string? home = null)
{
    /// <summary>More variables for it.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>Another build, by the path of its Pail.Cli.dll; null for the one under test.</summary>
    public string? Assembly { get; init; }

    /// <summary>Against RGW itself.</summary>
    public static PailCli Direct => new(TestEnvironment.S3);

    /// <summary>Runs it to its end, which must be a good one.</summary>
    public async Task<Finished> DoAsync(params string[] arguments) => (await RunAsync(arguments)).Succeeded();

    /// <summary>Runs it to its end.</summary>
    public async Task<Finished> RunAsync(params string[] arguments)
    {
        await using var child = Start(arguments);
        return await child.EndAsync();
    }

    /// <summary>Starts it, for a test that interrupts it.</summary>
    public Child Start(params string[] arguments) => StartWith("", arguments);

    /// <summary>Starts it with this as its input.</summary>
    public Child StartWith(string input, params string[] arguments) => Child.Start(Assembly is null ? BuiltPail.File : "dotnet", Assembly is null ? BuiltPail.Arguments(arguments) : [Assembly, .. arguments], new Dictionary<string, string?>(Variables.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value)))
    {
        ["AWS_ENDPOINT_URL_S3"] = endpoint.ToString(),
        ["DOCKER_HOST"] = docker ?? TestEnvironment.Docker,
        ["HOME"] = home ?? Environment.GetEnvironmentVariable("HOME"),
    }, input);
}
