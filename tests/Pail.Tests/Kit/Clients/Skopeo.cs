using System.Text.Json;
using Pail.Tests.Images;

namespace Pail.Tests.Kit.Clients;

/// <summary>Skopeo, which copies into an OCI layout.</summary>
internal sealed class Skopeo(TestFolder folder, Machine? machine = null) : ContainerClient(folder, machine ?? Machine.Here)
{
    public override string Name => "skopeo";

    private string Layout => Folder["skopeo"];

    public override Task<Finished> LoginAsync(string host, string user, string password) => RunAsync("login", $"--tls-verify={Checks}", "--username", user, "--password", password, host);

    public override async Task PushAsync(TestLayout layout, string reference) =>
        (await RunAsync("copy", "--quiet", "--all", $"--dest-tls-verify={Checks}", layout.Address(), $"docker://{reference}")).Succeeded();

    public override async Task PullAsync(string reference) =>
        (await RunAsync("copy", "--quiet", $"--src-tls-verify={Checks}", $"docker://{reference}", $"oci:{Layout}:1")).Succeeded();

    /// <summary>Copies all platforms of an index.</summary>
    public async Task PullAllAsync(string reference) =>
        (await RunAsync("copy", "--quiet", "--all", $"--src-tls-verify={Checks}", $"docker://{reference}", $"oci:{Layout}:1")).Succeeded();

    public override async Task<string> ConfigDigestAsync(string reference)
    {
        using var manifest = JsonDocument.Parse(await RawAsync());
        return manifest.RootElement.GetProperty("config").GetProperty("digest").GetString()!;
    }

    /// <summary>The manifest that was pulled.</summary>
    public async Task<string> RawAsync() => (await RunAsync("inspect", "--raw", $"oci:{Layout}:1")).Succeeded().Output;

    public override Task RemoveAsync(string reference)
    {
        Directory.Delete(Layout, recursive: true);
        return Task.CompletedTask;
    }
}
