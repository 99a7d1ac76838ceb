using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.Deploy;

/// <summary>The examples for proxies, in front of two replicas over one bucket, with real clients.</summary>
[NeedsServers]
public sealed class ProxyTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("haproxy", "docker")]
    [InlineData("haproxy", "podman")]
    [InlineData("nginx", "docker")]
    [InlineData("nginx", "skopeo")]
    public async Task Example_TwoReplicas_ClientsPushAndPull(string kind, string name)
    {
        var bucket = S3Server.NewName();
        await PailCli.Direct.DoAsync("init", $"s3://{bucket}");
        await File.WriteAllTextAsync(_folder["secret"], "the same on all replicas", TestContext.Current.CancellationToken);
        int[] ports = [FreePort.Take(), FreePort.Take()];
        string[] options = [$"s3://{bucket}", "--no-redirect", "--secret-file", _folder["secret"], "--trusted-proxy", "127.0.0.1"];
        await using var first = await PailServer.StartAsync(PailCli.Direct, options, ports[0]);
        await using var second = await PailServer.StartAsync(PailCli.Direct, options, ports[1]);
        await using var proxy = await ExampleProxy.StartAsync(kind, ports);

        var client = ContainerClient.Of(name, _folder);
        // One layer in one request, one in parts, more than a proxy keeps in memory.
        var layout = new TestLayout(_folder["layout"]);
        var root = layout.Tag(layout.ImageOf(100_000, 30 << 20));
        var reference = $"{proxy.Host}/team/app:1";
        await client.PushAsync(layout, reference);
        await client.PullAsync(reference);
        Assert.Equal(layout.Read(root).Config!.Digest.ToString(), await client.ConfigDigestAsync(reference));
        await client.RemoveAsync(reference);

        // Both were asked, and heard of the client through the proxy.
        foreach (var server in (PailServer[])[first, second])
        {
            var log = (await server.StopAsync()).Output;
            Assert.Contains("/v2/team/app/", log, StringComparison.Ordinal);
        }
        await S3Server.Ceph.RemoveAsync(bucket);
    }

    public void Dispose() => _folder.Dispose();
}
