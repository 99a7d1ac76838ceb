using System.Text.Json;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;
using Xunit.Sdk;

namespace Pail.Tests.EndToEnd;

// Who pushes, and what each does with its own tags.
internal sealed partial class BusyBucket
{
    // So often a push may fail in a row, since a server was killed, or what was there was collected before the manifest came.
    private const int Patience = 20;

    private sealed record Pusher(string Name, Func<TestLayout, string, Task> PushAsync, Func<string, Task> PullAsync, bool TakesIndexes = false)
    {
        public int Done;
        public int Failures;
    }

    // One that runs; at most one is being started again.
    private PailServer Server
    {
        get
        {
            var first = Random.Shared.Next(_servers.Length);
            return _servers[first] ?? _servers[1 - first]!;
        }
    }

    private string Host => Server.Host;

    private List<Pusher> Pushers() =>
    [
        new("bucket", (image, name) => PailAsync("push", image.Address(), $"{Address}/{name}"), name => PullAsync($"{Address}/{name}"), TakesIndexes: true),
        new("direct", (image, name) => PailAsync("push", image.Address(), $"docker://{Host}/{name}"), name => PullAsync($"docker://{Host}/{name}"), TakesIndexes: true),
        new("mount", MountAsync, name => PullAsync($"docker://{Host}/{name}"), TakesIndexes: true),
        new("retag", RetagAsync, name => PullAsync($"{Address}/{name}"), TakesIndexes: true),
        new("digest", ByDigestAsync, name => PullAsync($"{Address}/{name}"), TakesIndexes: true),
        new("oras", AttachAsync, name => PullAsync($"{Address}/{name}")),
        Client("skopeo", () => new Skopeo(_folder), takesIndexes: true),
        Client("podman", () => new Podman(_folder, "podman")),
        Client("docker", () => new DockerCli(_folder, Engine.Docker)),
        Client("ctr", () => new Ctr(_folder, Engine.Docker)),
    ];

    // Each time a new one: a push that failed leaves containerd's namespace of it as it is.
    private Pusher Client(string name, Func<ContainerClient> make, bool takesIndexes = false) => new(
        name,
        (image, name) => make().PushAsync(image, $"{Host}/{name}"),
        async name =>
        {
            var client = make();
            var reference = $"{Host}/{name}";
            await client.PullAsync(reference);
            await client.RemoveAsync(reference);
        },
        takesIndexes);

    private async Task PushAsync(Pusher pusher)
    {
        // Other tests run at the same time.
        await Task.Delay(Random.Shared.Next(2000), Cancel);
        var image = pusher.TakesIndexes ? Any() : _images[Random.Shared.Next(_images.Count - 1)];
        var name = $"{Name}/{(Random.Shared.Next(2) == 0 ? "app" : "web")}:{pusher.Name}-{Random.Shared.Next(3)}";
        // Nobody knows which it names while it is pushed.
        Tagged.TryRemove(name, out _);
        try
        {
            await pusher.PushAsync(image, name);
        }
        catch (XunitException e) when (++pusher.Failures < Patience)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{pusher.Name}: {e.Message}");
            return;
        }
        pusher.Failures = 0;
        pusher.Done++;
        Tagged[name] = (await PailCli.Direct.DoAsync("digest", $"{Address}/{name}")).Output.Trim();
        try
        {
            await pusher.PullAsync(name);
        }
        catch (XunitException)
        {
            // If the server was killed; the image itself must be whole.
            await PullAsync($"{Address}/{name}");
        }
    }

    // To another repository, whose layers are asked for by mounts.
    private async Task MountAsync(TestLayout image, string name)
    {
        await PailAsync("push", image.Address(), $"docker://{Host}/{Name}/source:1");
        await PailAsync("copy", $"docker://{Host}/{Name}/source:1", $"docker://{Host}/{name}");
    }

    // As a second name of what another tag names.
    private async Task RetagAsync(TestLayout image, string name)
    {
        await PailAsync("push", image.Address(), $"{Address}/{name}-first");
        (await PailCli.Direct.RunAsync("tag", "--quiet", $"{Address}/{name}-first", name[(name.IndexOf(':') + 1)..])).Succeeded();
    }

    // Without a tag first; where collections take that, it may be gone before it gets one.
    private async Task ByDigestAsync(TestLayout image, string name)
    {
        var (repository, tag) = (name[..name.IndexOf(':')], name[(name.IndexOf(':') + 1)..]);
        await PailAsync("push", image.Address(), $"docker://{Host}/{repository}@{image.Root.Digest}");
        if (!untagged)
            Acknowledged[$"{repository}@{image.Root.Digest}"] = true;
        (await PailCli.Direct.RunAsync("tag", "--quiet", $"{Address}/{repository}@{image.Root.Digest}", tag)).Succeeded();
    }

    // With something that refers to it, which stays as long as it does.
    private async Task AttachAsync(TestLayout image, string name)
    {
        await PailAsync("push", image.Address(), $"docker://{Host}/{name}");
        await File.WriteAllTextAsync(_folder["note.json"], $"\"{Guid.NewGuid()}\"", Cancel);
        var said = await new Tool("oras", _folder).DoAsync("attach", "--plain-http", "--format", "json", "--artifact-type", "application/vnd.example.note", $"{Host}/{name}", "note.json:application/json");
        using var answer = JsonDocument.Parse(said);
        if (!untagged)
            Acknowledged[$"{name[..name.IndexOf(':')]}@{answer.RootElement.GetProperty("digest").GetString()}"] = true;
    }

    // Something new, which nobody else has, by its tag or its digest; through a server or not.
    private async Task RemoveAsync()
    {
        var number = Guid.NewGuid().ToString("n");
        var image = _images[Random.Shared.Next(_images.Count - 1)].Grown(_folder[number], 70_000);
        var repository = $"{Name}/gone";
        await PailAsync("push", image.Address(), $"{Address}/{repository}:{number}");
        var digest = image.Root.Digest.ToString();
        Directory.Delete(image.Folder, recursive: true);
        if (Random.Shared.Next(2) == 0)
        {
            await PailCli.Direct.DoAsync("rm", "--quiet", "--yes", $"{Address}/{repository}@{digest}");
            return;
        }
        try
        {
            var server = Server;
            (await server.DeleteAsync($"/v2/{repository}/manifests/{number}")).Is(202);
            (await server.DeleteAsync($"/v2/{repository}/manifests/{digest}")).Is(202);
        }
        catch (Exception e) when (e is HttpRequestException or ObjectDisposedException)
        {
            // The server was killed: what it did not delete goes at the end.
        }
    }

    private TestLayout Any() => _images[Random.Shared.Next(_images.Count)];

    private async Task PullAsync(string address)
    {
        // Every byte is compared with its digest.
        var place = _folder[Guid.NewGuid().ToString("n")];
        (await PailCli.Direct.RunAsync("pull", "--quiet", address, $"oci:{place}:1")).Succeeded();
        Directory.Delete(place, recursive: true);
    }

    private static async Task PailAsync(string verb, string source, string destination) =>
        (await PailCli.Direct.RunAsync(verb, "--quiet", source, destination)).Succeeded();
}
