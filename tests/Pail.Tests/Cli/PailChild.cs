using Pail.Tests.Kit;

namespace Pail.Tests.Cli;

/// <summary>The built program as a child process, in an environment without credentials.</summary>
internal static class PailChild
{
    public static Child Start(string[] arguments, params (string Name, string? Value)[] environment)
    {
        var variables = new Dictionary<string, string?>
        {
            ["AWS_PROFILE"] = null,
            ["AWS_ENDPOINT_URL_S3"] = null,
            ["AWS_CONFIG_FILE"] = "/nonexistent",
            ["AWS_SHARED_CREDENTIALS_FILE"] = "/nonexistent",
            ["AWS_EC2_METADATA_DISABLED"] = "true",
            ["PAIL_DEBUG"] = null,
        };
        foreach (var (name, value) in environment)
            variables[name] = value;
        return Child.Start(BuiltPail.File, BuiltPail.Arguments(arguments), variables);
    }

    public static async Task<Finished> RunAsync(string[] arguments, params (string Name, string? Value)[] environment)
    {
        await using var child = Start(arguments, environment);
        return await child.EndAsync();
    }
}
