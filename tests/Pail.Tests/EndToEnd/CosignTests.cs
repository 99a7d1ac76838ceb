using System.Text.Json;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;

namespace Pail.Tests.EndToEnd;

/// <summary>Signatures by cosign.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class CosignTests(PublicServedBucket registry) : IClassFixture<PublicServedBucket>, IAsyncLifetime
{
    // The servers have no TLS.
    private static readonly string[] Plainly = ["--allow-http-registry", "--allow-insecure-registry"];

    private readonly TestFolder _folder = new();

    private Tool Cosign => new("cosign", _folder);

    [Theory]
    [InlineData("legacy")]
    [InlineData("oci-1-1")]
    public async Task Sign_ThroughTheServer_VerifiesThereFromTheBareBucketAndFromACopy(string mode)
    {
        var (repository, digest) = ($"signed/{mode}", await PushAsync($"signed/{mode}:1"));
        string[] experimental = mode == "oci-1-1" ? ["--experimental-oci11"] : [];

        await new Tool("env", _folder).DoAsync(["COSIGN_EXPERIMENTAL=1", "cosign", "sign", "--yes", "--tlog-upload=false", $"--registry-referrers-mode={mode}", .. Plainly, "--key", "cosign.key", $"{registry.Served}/{repository}@{digest}"]);
        await using var bucket = await TestBucket.TakeAsync();
        await PailCli.Direct.DoAsync("init", bucket.Address, "--public");
        await PailCli.Direct.DoAsync("copy", "--referrers", $"{registry.Bucket.Address}/{repository}:1", $"{bucket.Address}/{repository}:1");

        foreach (var host in (string[])[registry.Served, registry.Bare, bucket.Registry])
        {
            using var verified = JsonDocument.Parse((await VerifyAsync("cosign.pub", host)).Succeeded().Output);
            Assert.Equal(digest, verified.RootElement[0].GetProperty("critical").GetProperty("image").GetProperty("docker-manifest-digest").GetString());
            Assert.NotEqual(0, (await VerifyAsync("other.pub", host)).ExitCode);
        }

        Task<Finished> VerifyAsync(string key, string host) =>
            Cosign.RunAsync(["verify", "--insecure-ignore-tlog=true", .. experimental, .. Plainly, "--key", key, $"{host}/{repository}:1"]);
    }

    public async ValueTask InitializeAsync()
    {
        foreach (var name in (string[])["cosign", "other"])
            await Cosign.DoAsync("generate-key-pair", "--output-key-prefix", name);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<string> PushAsync(string name)
    {
        var layout = new TestLayout(_folder[$"{Guid.NewGuid():n}"]);
        var root = layout.Tag(layout.Image());
        await PailCli.Direct.DoAsync("push", layout.Address(), $"docker://{registry.Served}/{name}");
        return root.Digest.ToString();
    }
}
