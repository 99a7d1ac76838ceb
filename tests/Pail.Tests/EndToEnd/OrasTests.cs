using System.Text.Json;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;

namespace Pail.Tests.EndToEnd;

/// <summary>Artifacts by ORAS.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class OrasTests(PublicServedBucket registry) : IClassFixture<PublicServedBucket>, IDisposable
{
    private const string Sbom = "application/vnd.example.sbom";

    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Tool Oras => new("oras", _folder);

    [Fact]
    public async Task Attach_ThroughTheServer_IsDiscoveredThereAndInACopy()
    {
        var layout = new TestLayout(_folder["image"]);
        layout.Tag(layout.TwoPlatforms());
        await PailCli.Direct.DoAsync("push", layout.Address(), $"docker://{registry.Served}/oras/app:1");
        await File.WriteAllTextAsync(_folder["sbom.json"], """{"whale":1}""", Cancel);

        var attached = await DigestAsync("attach", "--plain-http", "--format", "json", "--artifact-type", Sbom, $"{registry.Served}/oras/app:1", "sbom.json:application/json");
        await PailCli.Direct.DoAsync("copy", "--referrers", $"{registry.Bucket.Address}/oras/app:1", $"{registry.Bucket.Address}/oras/copied:1");

        foreach (var repository in (string[])["app", "copied"])
        {
            var name = $"{registry.Served}/oras/{repository}";
            Assert.Equal([attached], await DiscoverAsync($"{name}:1", Sbom));
            Assert.Empty(await DiscoverAsync($"{name}:1", "application/vnd.example.other"));
            Assert.Empty(await DiscoverAsync($"{name}@{attached}", Sbom));
            await Oras.DoAsync("pull", "--plain-http", "--output", repository, $"{name}@{attached}");
            Assert.Equal("""{"whale":1}""", await File.ReadAllTextAsync(Path.Combine(_folder[repository], "sbom.json"), Cancel));
        }
    }

    [Fact]
    public async Task PushAndCopy_OfArtifacts_KeepEveryByte()
    {
        await File.WriteAllBytesAsync(_folder["large"], ImageBytes.Bytes(Random.Shared, 20 << 20), Cancel);
        var pushed = await DigestAsync("push", "--plain-http", "--format", "json", "--artifact-type", Sbom, $"{registry.Served}/oras/artifact:1", "large:application/octet-stream");

        await Oras.DoAsync("cp", "--recursive", "--from-plain-http", "--to-plain-http", $"{registry.Served}/oras/artifact:1", $"{registry.Served}/oras/elsewhere:1");

        await Wholeness.AssertAsync(registry.Bucket, "oras/elsewhere");
        Assert.Equal(pushed, Digest.Of(await registry.Bucket.ReadAsync("v2/oras/elsewhere/manifests/1")).ToString());
        Assert.Contains($"v2/oras/elsewhere/blobs/{Digest.Of(await File.ReadAllBytesAsync(_folder["large"], Cancel))}", await registry.Bucket.KeysAsync("v2/oras/elsewhere/"));
    }

    public void Dispose() => _folder.Dispose();

    private async Task<string> DigestAsync(params string[] arguments)
    {
        using var said = JsonDocument.Parse(await Oras.DoAsync(arguments));
        return said.RootElement.GetProperty("digest").GetString()!;
    }

    private async Task<IEnumerable<string?>> DiscoverAsync(string reference, string type)
    {
        using var said = JsonDocument.Parse(await Oras.DoAsync("discover", "--plain-http", "--format", "json", "--artifact-type", type, reference));
        return [.. said.RootElement.GetProperty("manifests").EnumerateArray().Select(entry => entry.GetProperty("digest").GetString())];
    }
}
