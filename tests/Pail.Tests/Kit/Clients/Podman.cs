using Pail.Tests.Images;

namespace Pail.Tests.Kit.Clients;

/// <summary>Podman, or Buildah, whose commands are the same here.</summary>
internal sealed class Podman(TestFolder folder, string name) : ContainerClient(folder)
{
    // Podman refuses a runroot of more than 50 characters, and the folder for temporary files may have most of them.
    private readonly string[] _storage = ["--root", folder[$"{name}-root"], "--runroot", folder[$"{name[..1]}r"], "--storage-driver", "vfs"];

    public override string Name => name;

    public override async Task PullAsync(string reference) => (await DoAsync("pull", "--quiet", "--tls-verify=false", reference)).Succeeded();

    public override async Task<string> ConfigDigestAsync(string reference) =>
        "sha256:" + (await DoAsync("images", "--quiet", "--no-trunc", reference)).Succeeded().Output.Trim().Replace("sha256:", "", StringComparison.Ordinal);

    public override async Task RemoveAsync(string reference) => (await DoAsync("rmi", "--force", reference)).Succeeded();

    private Task<Finished> DoAsync(params IEnumerable<string> arguments) => RunAsync([.. _storage, .. arguments]);
}
