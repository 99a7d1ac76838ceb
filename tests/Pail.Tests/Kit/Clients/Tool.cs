using Pail.Tests.Images;

namespace Pail.Tests.Kit.Clients;

/// <summary>A program of Debian 13, apart from the settings and logins of who runs the tests.</summary>
/// <param name="program">Its name.</param>
/// <param name="home">The home folder it sees, where it runs.</param>
internal sealed class Tool(string program, TestFolder home)
{
    /// <summary>The certificate of the authority that registries are checked with; null for the machine's own.</summary>
    public string? Authority { get; init; }

    /// <summary>Runs it to its end, which must be a good one, and returns what it printed.</summary>
    public async Task<string> DoAsync(params IEnumerable<string> arguments) => (await RunAsync(arguments)).Succeeded().Output;

    /// <summary>Runs it to its end.</summary>
    public Task<Finished> RunAsync(params IEnumerable<string> arguments) => Machine.Debian13.RunAsync("/usr/bin/env", ["--chdir", home.Path, program, .. arguments], new Dictionary<string, string?>
    {
        ["HOME"] = home.Path,
        ["XDG_RUNTIME_DIR"] = home.Path,
        ["SSL_CERT_FILE"] = Authority ?? Environment.GetEnvironmentVariable("SSL_CERT_FILE"),
        // Of the keys that tests make.
        ["COSIGN_PASSWORD"] = "",
        // Since Podman 5 each call says that it is old.
        ["PODMAN_IGNORE_CGROUPSV1_WARNING"] = "true",
    });
}
