using System.Text.Json;
using Pail.Tests.Images;

namespace Pail.Tests.Kit.Clients;

/// <summary>A Docker Engine. Registries on loopback may speak plain HTTP to it, or TLS with any certificate, by default.</summary>
internal sealed class DockerCli(TestFolder folder, Engine engine) : ContainerClient(folder, engine.Machine)
{
    public override string Name => "docker";

    public override Task<Finished> LoginAsync(string host, string user, string password) => DoAsync("login", "--username", user, "--password", password, host);

    public override async Task PushAsync(TestLayout layout, string reference)
    {
        (await RunProgramAsync("skopeo", ["copy", "--quiet", "--dest-daemon-host", engine.Socket, layout.Address(), $"docker-daemon:{reference}"])).Succeeded();
        await PushAsync(reference);
        await RemoveAsync(reference);
    }

    /// <summary>Pushes what it has, and returns what it says of that.</summary>
    public async Task<string> PushAsync(string reference) => (await DoAsync("push", reference)).Succeeded().Output;

    /// <summary>Gives an image another name.</summary>
    public async Task TagAsync(string reference, string other) => (await DoAsync("tag", reference, other)).Succeeded();

    public override async Task PullAsync(string reference) => (await TryPullAsync(reference)).Succeeded();

    /// <summary>Pulls an image, if it can.</summary>
    public Task<Finished> TryPullAsync(string reference) => DoAsync("pull", "--quiet", reference);

    /// <summary>Loads a file.</summary>
    public async Task LoadAsync(string file) => (await DoAsync("load", "--quiet", "--input", file)).Succeeded();

    /// <summary>The names by digest that it gives an image.</summary>
    public async Task<string[]> RepoDigestsAsync(string reference) =>
        JsonSerializer.Deserialize<string[]>((await DoAsync("image", "inspect", "--format", "{{json .RepoDigests}}", reference)).Succeeded().Output)!;

    public override async Task<string> ConfigDigestAsync(string reference)
    {
        var id = (await DoAsync("image", "inspect", "--format", "{{.Id}}", reference)).Succeeded().Output.Trim();
        return engine.KeepsImages ? await new Ctr(Folder, engine, "moby").ConfigOfAsync(id) : id;
    }

    public override async Task RemoveAsync(string reference) => (await DoAsync("image", "rm", "--force", reference)).Succeeded();

    /// <summary>Removes all names that match; another test's image of the same content stays.</summary>
    public async Task RemoveAllAsync(string pattern)
    {
        var names = (await DoAsync("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", $"reference={pattern}")).Succeeded().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (names.Length > 0)
            (await DoAsync(["image", "rm", "--force", .. names])).Succeeded();
    }

    /// <summary>Runs a container, and returns what it printed.</summary>
    public async Task<string> RunContainerAsync(string reference) =>
        (await DoAsync("run", "--rm", "--network", "none", reference)).Succeeded().Output.Trim();

    /// <summary>Builds the folder into an image.</summary>
    public async Task BuildAsync(string context, string reference) =>
        (await DoAsync("build", "--quiet", "--network", "none", "--tag", reference, context)).Succeeded();

    /// <summary>Saves an image into a file.</summary>
    public async Task SaveAsync(string reference, string file) => (await DoAsync("save", "--output", file, reference)).Succeeded();

    private Task<Finished> DoAsync(params IEnumerable<string> arguments) => RunAsync(["--host", engine.Socket, .. arguments]);
}
