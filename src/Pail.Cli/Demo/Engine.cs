using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Serialization;
using Pail.Oci;

namespace Pail.Cli.Demo;

/// <summary>What an engine of this machine did with the image.</summary>
/// <param name="Name">Its command.</param>
/// <param name="Outcome">What became of it, in words.</param>
/// <param name="Pulled">True if the image was pulled.</param>
/// <param name="Said">What the image's program wrote, where it ran.</param>
internal sealed record EngineResult(string Name, string Outcome, bool Pulled, string? Said = null)
{
    /// <summary>What its requests' User-Agent holds.</summary>
    [JsonIgnore]
    public string Agent => Name == "podman" ? "containers/" : Name + "/";
}

/// <summary>A container engine of this machine, if it is there: pulls the demo image, runs it where that is quick, and forgets it.</summary>
internal static class Engine
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>All engines at once; those that are not there are left out.</summary>
    public static async Task<IReadOnlyList<EngineResult>> PullAllAsync(string image, string scratch, CancellationToken cancel) =>
        [.. (await Task.WhenAll(DockerAsync(image, cancel), PodmanAsync(image, cancel), SkopeoAsync(image, scratch, cancel))).OfType<EngineResult>()];

    private static async Task<EngineResult?> DockerAsync(string image, CancellationToken cancel)
    {
        if (await RunAsync("docker", ["version", "--format", "{{.Server.Version}}"], cancel) is not { } version)
            return null;
        if (!version.Ok)
            return new("docker", "is installed, but its engine does not answer", false);
        var pull = await RunAsync("docker", ["pull", "--quiet", image], cancel);
        if (pull is not { Ok: true })
            return new("docker", $"did not pull: {pull?.Error}", false);
        var run = await RunAsync("docker", ["run", "--rm", "--network=none", image], cancel);
        await RunAsync("docker", ["rmi", "--force", image], cancel);
        return run is { Ok: true }
            ? new("docker", $"{version.Output} pulled it and ran it", true, run.Output)
            : new("docker", $"{version.Output} pulled it (and could not run it here: {run?.Error})", true);
    }

    private static async Task<EngineResult?> PodmanAsync(string image, CancellationToken cancel)
    {
        if (await RunAsync("podman", ["--version"], cancel) is not { Ok: true } version)
            return null;
        var pull = await RunAsync("podman", ["pull", "--quiet", "--tls-verify=false", image], cancel);
        if (pull is not { Ok: true })
            return new("podman", $"did not pull: {pull?.Error}", false);
        await RunAsync("podman", ["rmi", "--force", image], cancel);
        return new("podman", $"{version.Output.Split(' ')[^1]} pulled it", true);
    }

    private static async Task<EngineResult?> SkopeoAsync(string image, string scratch, CancellationToken cancel)
    {
        if (await RunAsync("skopeo", ["--version"], cancel) is not { Ok: true } version)
            return null;
        var copy = await RunAsync("skopeo", ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", $"docker://{image}", $"dir:{scratch}"], cancel);
        return copy is { Ok: true }
            ? new("skopeo", $"{version.Output.Replace("skopeo version ", "", StringComparison.Ordinal).Split(' ')[0]} pulled it", true)
            : new("skopeo", $"did not pull: {copy?.Error}", false);
    }

    private sealed record Run(bool Ok, string Output, string Error);

    // Null if there is no such command.
    private static async Task<Run?> RunAsync(string command, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        start.Environment["NO_PROXY"] = start.Environment["no_proxy"] = "127.0.0.1";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        Process? process = null;
        try
        {
            process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new(process.ExitCode == 0, SafeText.OneLine((await output).Trim()), LastLine(await error));
        }
        catch (Win32Exception)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new(false, "", $"no answer in {Patience.TotalSeconds} s");
        }
        finally
        {
            if (process is { HasExited: false })
                process.Kill(entireProcessTree: true);
            process?.Dispose();
        }
    }

    private static string LastLine(string text) => SafeText.OneLine(text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault(""));
}
