using System.Formats.Tar;
using System.Text.Json;
using Pail.Tests.Images;

namespace Pail.Tests.Kit.Clients;

/// <summary>An engine's containerd by its own tool, in a namespace of the test unless another is named.</summary>
internal sealed class Ctr(TestFolder folder, Engine engine, string? inNamespace = null) : ContainerClient(folder, engine.Machine)
{
    private readonly string _namespace = inNamespace ?? $"test-{Guid.NewGuid():n}";
    private string[] _user = [];

    public override string Name => "ctr";

    private string[] Transport => Authority is null ? ["--plain-http"] : ["--tlscacert", Authority];

    /// <summary>It keeps no logins: each command is given the user. Success, since nothing can fail.</summary>
    public override Task<Finished> LoginAsync(string host, string user, string password)
    {
        _user = ["--user", $"{user}:{password}"];
        return Task.FromResult(new Finished("ctr", 0, "", ""));
    }

    public override async Task PushAsync(TestLayout layout, string reference)
    {
        var archive = $"{layout.Folder}.tar";
        // What a push left that failed.
        File.Delete(archive);
        await TarFile.CreateFromDirectoryAsync(layout.Folder, archive, includeBaseDirectory: false);
        var pushed = await ImportAndPushAsync(archive, reference);
        // Rarely containerd loses what it has just imported, and says so over its own socket: no word of the registry's.
        if (pushed.Error.Contains("rpc error: code = Internal desc = unexpected EOF", StringComparison.Ordinal))
            pushed = await ImportAndPushAsync(archive, reference);
        pushed.Succeeded();
        File.Delete(archive);
        await RemoveAsync(reference);
    }

    public override async Task PullAsync(string reference) => (await DoAsync(["images", "pull", .. Transport, .. _user, reference])).Succeeded();

    public override async Task<string> ConfigDigestAsync(string reference)
    {
        var listed = (await DoAsync("images", "list", $"name=={reference}")).Succeeded().Output;
        var digest = listed.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).First(word => word.StartsWith("sha256:", StringComparison.Ordinal));
        return await ConfigOfAsync(digest);
    }

    private async Task<Finished> ImportAndPushAsync(string archive, string reference)
    {
        // The layout's tag becomes the image's.
        var repository = reference[..reference.LastIndexOf(':')];
        (await DoAsync("images", "import", "--base-name", repository, archive)).Succeeded();
        if (reference != $"{repository}:1")
        {
            (await DoAsync("images", "tag", "--force", $"{repository}:1", reference)).Succeeded();
            (await DoAsync("images", "rm", $"{repository}:1")).Succeeded();
        }
        return await DoAsync(["images", "push", .. Transport, .. _user, reference]);
    }

    /// <summary>The config of a manifest or index that it has; of what an index lists, it has only this machine's platform.</summary>
    public async Task<string> ConfigOfAsync(string digest)
    {
        using var content = JsonDocument.Parse((await DoAsync("content", "get", digest)).Succeeded().Output);
        var manifest = content.RootElement;
        return manifest.TryGetProperty("manifests", out var manifests)
            ? await ConfigOfAsync(manifests.EnumerateArray()
                .First(item => !item.TryGetProperty("platform", out var platform) || platform.GetProperty("architecture").GetString() == ImageBytes.Architecture).GetProperty("digest").GetString()!)
            : manifest.GetProperty("config").GetProperty("digest").GetString()!;
    }

    public override async Task RemoveAsync(string reference)
    {
        (await DoAsync("images", "rm", "--sync", reference)).Succeeded();
        (await DoAsync("namespaces", "rm", _namespace)).Succeeded();
    }

    private Task<Finished> DoAsync(params IEnumerable<string> arguments) =>
        RunAsync(["--address", engine.Containerd, "--namespace", _namespace, .. arguments]);
}
