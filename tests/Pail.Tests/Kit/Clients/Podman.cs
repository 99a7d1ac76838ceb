using System.Text.Json;
using Pail.Tests.Images;

namespace Pail.Tests.Kit.Clients;

/// <summary>Podman, or Buildah, whose commands are the same here.</summary>
internal sealed class Podman(TestFolder folder, string name, Machine? machine = null) : ContainerClient(folder, machine ?? Machine.Here)
{
    // Podman refuses a runroot of more than 50 characters, and the folder for temporary files may have most of them.
    private readonly string _runroot = folder[$"{name[..1]}r"];
    private readonly string _root = folder[$"{name}-root"];

    private string[] Storage => ["--root", _root, "--runroot", _runroot, "--storage-driver", "vfs"];

    public override string Name => name;

    public override Task<Finished> LoginAsync(string host, string user, string password) => DoAsync("login", $"--tls-verify={Checks}", "--username", user, "--password", password, host);

    public override async Task PushAsync(TestLayout layout, string reference)
    {
        // By Skopeo, for Podman makes a name of the path, and paths of temporary files have capitals.
        (await RunProgramAsync("skopeo", ["copy", "--quiet", layout.Address(), $"containers-storage:[vfs@{_root}+{_runroot}]{reference}"])).Succeeded();
        (await DoAsync("push", "--quiet", $"--tls-verify={Checks}", reference)).Succeeded();
        await RemoveAsync(reference);
    }

    public override async Task PullAsync(string reference) => (await DoAsync("pull", "--quiet", $"--tls-verify={Checks}", reference)).Succeeded();

    /// <summary>Pulls an image from an address of any kind, if it can; prints its id.</summary>
    /// <param name="address">The address.</param>
    /// <param name="directory">What paths are relative to: Podman makes names of them, which must not have capitals.</param>
    public Task<Finished> TryPullAsync(string address, string directory) =>
        RunProgramAsync("env", ["--chdir", directory, $"/usr/bin/{name}", .. Storage, "pull", "--quiet", $"--tls-verify={Checks}", address]);

    /// <summary>The digest of what it pulled an image by: of the index, where it was one.</summary>
    public async Task<string> DigestAsync(string id) => (await DoAsync("image", "inspect", "--format", "{{.Digest}}", id)).Succeeded().Output.Trim();

    /// <summary>The names by digest that it gives an image.</summary>
    public async Task<string[]> RepoDigestsAsync(string id) =>
        JsonSerializer.Deserialize<string[]>((await DoAsync("image", "inspect", "--format", "{{json .RepoDigests}}", id)).Succeeded().Output)!;

    public override async Task<string> ConfigDigestAsync(string reference) =>
        "sha256:" + (await DoAsync("images", "--quiet", "--no-trunc", reference)).Succeeded().Output.Trim().Replace("sha256:", "", StringComparison.Ordinal);

    public override async Task RemoveAsync(string reference) => (await DoAsync("rmi", "--force", reference)).Succeeded();

    private Task<Finished> DoAsync(params IEnumerable<string> arguments) => RunAsync([.. Storage, .. arguments]);
}
