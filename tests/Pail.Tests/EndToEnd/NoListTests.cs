using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.EndToEnd;

/// <summary>A bucket on Ceph RGW whose policy allows to read and write objects, not to list them: pushes and pulls work, through the command line and the server.</summary>
[NeedsServers]
public sealed class NoListTests : IAsyncLifetime
{
    private readonly string _bucket = S3Server.NewName();
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        using var store = S3Server.Ceph.Open(_bucket);
        await store.CreateBucketAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        using (var client = S3Server.Ceph.Client())
            await client.DeleteBucketPolicyAsync(_bucket);
        await S3Server.Ceph.RemoveAsync(_bucket);
        _folder.Dispose();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("v2")]
    [InlineData("pool")]
    [InlineData("public")]
    public async Task PushAndPull_ByCommandLineAndServer_Work(string? setUp)
    {
        if (setUp is not null)
            await PailCli.Direct.DoAsync(setUp == "public" ? ["init", $"s3://{_bucket}", "--public"] : ["init", $"s3://{_bucket}", "--layout", setUp]);
        using (var client = S3Server.Ceph.Client())
            await client.PutBucketPolicyAsync(_bucket, $$"""
                {"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":["s3:ListBucket","s3:ListBucketMultipartUploads"],"Resource":["arn:aws:s3:::{{_bucket}}"]}]}
                """, Cancel);
        var layout = new TestLayout(_folder["one"]);
        var root = layout.Tag(layout.Image());

        await PailCli.Direct.DoAsync("push", layout.Address(), $"s3://{_bucket}/team/app:1");
        await using (var server = await PailServer.StartAsync(PailCli.Direct, [$"s3://{_bucket}", "--log", "off"]))
        {
            await PailCli.Direct.DoAsync("push", layout.Address(), $"docker://{server.Host}/team/other:1");
            await PailCli.Direct.DoAsync("pull", $"docker://{server.Host}/team/other:1", $"oci:{_folder["served"]}:1");
            // Both faces say the same of what is not there.
            (await PailCli.Direct.RunAsync("digest", $"docker://{server.Host}/team/other:2")).Ended(3);
            await server.StopAsync();
        }
        (await PailCli.Direct.RunAsync("digest", $"s3://{_bucket}/team/app:2")).Ended(3);
        await PailCli.Direct.DoAsync("pull", $"s3://{_bucket}/team/other:1", $"oci:{_folder["pulled"]}:1");
        Assert.Contains(root.Digest.ToString(), (await PailCli.Direct.DoAsync("digest", $"oci:{_folder["pulled"]}:1")).Output, StringComparison.Ordinal);
        Assert.Contains(root.Digest.ToString(), (await PailCli.Direct.DoAsync("digest", $"oci:{_folder["served"]}:1")).Output, StringComparison.Ordinal);
        // What must list says what is missing.
        (await PailCli.Direct.RunAsync("tags", $"s3://{_bucket}/team/app")).Ended(4);
    }
}
