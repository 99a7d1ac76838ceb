using System.Text.Json;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;

namespace Pail.Tests.EndToEnd;

/// <summary>Layers that Podman pushes as <c>zstd:chunked</c>, of which it later pulls only the files it has not.</summary>
public abstract class ZstdChunkedTests(ServedRegistry registry) : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Podman_PushesZstdChunked_AndPullsItWholeAndInPart()
    {
        var podman = new Tool("podman", _folder);
        var built = await BuildAsync(podman, "one");
        await BuildAsync(podman, "two");
        using var manifest = JsonDocument.Parse((await PailCli.Direct.DoAsync("manifest", $"{registry.Prefix}chunked/app:one")).Output);
        var layer = manifest.RootElement.GetProperty("layers")[0];
        Assert.Equal("application/vnd.oci.image.layer.v1.tar+zstd", layer.GetProperty("mediaType").GetString());
        Assert.True(layer.GetProperty("annotations").TryGetProperty("io.github.containers.zstd-chunked.manifest-position", out _));

        foreach (var partial in (string[])["false", "true"])
        {
            await File.WriteAllTextAsync(_folder["storage.conf"], $"""
                [storage]
                driver = "overlay"
                graphroot = "{_folder[$"root-{partial}"]}"
                runroot = "{_folder["r"]}"
                [storage.options]
                pull_options = {"{"} enable_partial_images = "{partial}" {"}"}
                """, Cancel);
            foreach (var tag in (string[])["one", "two"])
            {
                var pulled = (await StoredAsync("podman", "pull", "--tls-verify=false", "--log-level", "debug", $"{registry.Host}/chunked/app:{tag}")).Succeeded();
                Assert.Equal(partial == "true", pulled.Error.Contains("Retrieved partial blob", StringComparison.Ordinal));
                Assert.Equal(tag, (await StoredAsync("sh", "-c", "cat $(podman image mount $0)/bin/word", $"{registry.Host}/chunked/app:{tag}")).Succeeded().Output);
            }
            Assert.Equal(built, (await StoredAsync("podman", "image", "inspect", "--format", "{{.Id}}", $"{registry.Host}/chunked/app:one")).Succeeded().Output.Trim());
        }
        // Other engines know the format as plain zstd.
        var docker = new DockerCli(_folder, Engine.Docker26);
        await docker.PullAsync($"{registry.Host}/chunked/app:one");
        Assert.Equal($"sha256:{built}", await docker.ConfigDigestAsync($"{registry.Host}/chunked/app:one"));
        await docker.RemoveAsync($"{registry.Host}/chunked/app:one");
    }

    public void Dispose() => _folder.Dispose();

    // The same files, but for one.
    private async Task<string> BuildAsync(Tool podman, string tag)
    {
        var context = Directory.CreateDirectory(_folder["context"]).FullName;
        if (!File.Exists(Path.Combine(context, "large")))
            await File.WriteAllBytesAsync(Path.Combine(context, "large"), ImageBytes.Bytes(Random.Shared, 3 << 20), Cancel);
        await File.WriteAllTextAsync(Path.Combine(context, "word"), tag, Cancel);
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), "FROM scratch\nCOPY . /bin/\n", Cancel);
        string[] storage = ["--root", _folder["build"], "--runroot", _folder["r"], "--storage-driver", "vfs"];
        var id = await podman.DoAsync([.. storage, "build", "--quiet", "--network", "none", "--tag", $"{registry.Host}/chunked/app:{tag}", context]);
        await podman.DoAsync([.. storage, "push", "--tls-verify=false", "--compression-format", "zstd:chunked", $"{registry.Host}/chunked/app:{tag}"]);
        return id.Trim();
    }

    private Task<Finished> StoredAsync(params string[] arguments) => new Tool("env", _folder).RunAsync([$"CONTAINERS_STORAGE_CONF={_folder["storage.conf"]}", .. arguments]);
}

/// <summary>Over Ceph RGW, which Podman gets layers from itself.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class RedirectedZstdChunkedTests(RedirectingRgw registry) : ZstdChunkedTests(registry), IClassFixture<RedirectingRgw>;

/// <summary>Over Ceph RGW, all bytes through the server.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class StreamedZstdChunkedTests(StreamingRgw registry) : ZstdChunkedTests(registry), IClassFixture<StreamingRgw>;
