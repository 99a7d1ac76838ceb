using System.Text.Json;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;

namespace Pail.Tests.EndToEnd;

/// <summary>What BuildKit keeps in a bucket besides images: its cache, and attestations.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class BuildKitTests(PublicServedBucket registry) : IClassFixture<PublicServedBucket>, IDisposable
{
    private readonly TestFolder _folder = new();

    private static string Name => $"built:{Guid.NewGuid():n}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // BuildKit knows two forms: an index that lists layers, and an image manifest.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Build_CacheFromTheBucket_ABuilderThatHasNoneRunsNothingAgain(bool asImage)
    {
        var context = await ContextAsync();
        var cache = $"{registry.Served}/cache/{(asImage ? "image" : "index")}";
        var first = await BuildAsync(Engine.Docker26Containerd, Name, context, "--cache-to", $"type=registry,ref={cache}:1,mode=max,image-manifest={(asImage ? "true" : "false")}");
        await PailCli.Direct.DoAsync("copy", $"docker://{cache}:1", $"docker://{cache}-copied:1");

        foreach (var from in (string[])[cache, $"{cache}-copied"])
        {
            await using var other = await OwnEngine.StartAsync();
            var again = await BuildAsync(other.Engine, Name, context, "--cache-from", $"type=registry,ref={from}:1");

            // What the stage in between makes differs each time it is made.
            Assert.Equal(first.Layers, again.Layers);
            Assert.Contains("CACHED", again.Said, StringComparison.Ordinal);
            var anew = await BuildAsync(other.Engine, Name, context, "--no-cache");
            Assert.NotEqual(first.Layers, anew.Layers);
        }
    }

    [Fact]
    public async Task Attestations_PushedByBuildx_AreCopiedWhole()
    {
        var reference = $"{registry.Served}/team/attested:1";
        await BuildAsync(Engine.Docker26Containerd, reference, await ContextAsync(), "--attest", "type=provenance,mode=max", "--push");
        await using var bucket = await TestBucket.TakeAsync();
        await PailCli.Direct.DoAsync("init", bucket.Address);

        await PailCli.Direct.DoAsync("copy", $"docker://{reference}", $"{bucket.Address}/team/copied:1");

        await Wholeness.AssertAsync(bucket, "team/copied");
        var index = await bucket.ReadAsync("v2/team/copied/manifests/1");
        Assert.Equal(await registry.Bucket.ReadAsync("v2/team/attested/manifests/1"), index);
        var entries = Manifest.Parse(index).Manifests;
        var attestation = Assert.Single(entries, entry => entry.Annotations.GetValueOrDefault("vnd.docker.reference.type") == "attestation-manifest");
        var layer = Assert.Single(Manifest.Parse(await bucket.ReadAsync($"v2/team/copied/manifests/{attestation.Digest}")).Layers);
        using var statement = JsonDocument.Parse(await bucket.ReadAsync($"v2/team/copied/blobs/{layer.Digest}"));
        Assert.StartsWith("https://slsa.dev/provenance/", statement.RootElement.GetProperty("predicateType").GetString(), StringComparison.Ordinal);
        Assert.Equal(
            Assert.Single(entries, entry => entry != attestation).Digest.Hex,
            statement.RootElement.GetProperty("subject")[0].GetProperty("digest").GetProperty("sha256").GetString());
    }

    public void Dispose() => _folder.Dispose();

    private async Task<(string Layers, string Said)> BuildAsync(Engine engine, string name, string context, params string[] options)
    {
        var docker = new Tool("docker", _folder);
        var built = (await docker.RunAsync(["--host", engine.Socket, "buildx", "build", "--network", "none", "--progress", "plain", "--tag", name, .. options, context])).Succeeded();
        var layers = await docker.DoAsync("--host", engine.Socket, "image", "inspect", "--format", "{{json .RootFS.Layers}}", name);
        await docker.DoAsync("--host", engine.Socket, "image", "rm", "--force", name);
        return (layers, built.Error);
    }

    private async Task<string> ContextAsync()
    {
        var context = Directory.CreateDirectory(_folder[$"{Guid.NewGuid():n}"]).FullName;
        File.Copy("/bin/busybox", Path.Combine(context, "busybox"));
        await File.WriteAllTextAsync(Path.Combine(context, "seed"), $"{Guid.NewGuid()}", Cancel);
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"),
            """
            FROM scratch AS stage
            COPY busybox /bin/busybox
            COPY seed /seed
            RUN ["/bin/busybox", "dd", "if=/dev/urandom", "of=/made", "bs=1000", "count=100"]
            FROM scratch
            COPY --from=stage /made /made
            """, Cancel);
        return context;
    }
}
