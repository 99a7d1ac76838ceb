using Amazon.S3;
using Amazon.S3.Model;
using Pail.Buckets;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.S3;

namespace Pail.Tests.EndToEnd;

/// <summary>A bucket that begins to keep versions, with which Ceph keeps other conditions than before.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class VersionedBucketTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("16")]
    [InlineData("18")]
    public async Task Bucket_ThatBeginsToKeepVersions_IsUsedAsBefore(string ceph)
    {
        var server = ceph == "16" ? S3Server.Ceph : S3Server.Ceph18;
        await server.ReadyAsync();
        var pail = new PailCli(new Uri(server.Endpoint));
        var name = S3Server.NewName();
        var image = $"s3://{name}/app:1";
        using var folder = new TestFolder();
        var layout = new TestLayout(folder["layout"]);
        var (one, two) = (layout.Tag(layout.Image(), "one"), layout.Tag(layout.Image(), "two"));
        layout.Tag(layout.Artifact(one), "three");
        layout.Tag(layout.Artifact(one), "four");

        await pail.DoAsync("init", "--public", $"s3://{name}");
        using var client = server.Client();
        await client.PutBucketVersioningAsync(new PutBucketVersioningRequest { BucketName = name, VersioningConfig = new() { Status = VersionStatus.Enabled } }, Cancel);
        try
        {
            foreach (var tag in (string[])["one", "two"])
                await pail.DoAsync("push", "--quiet", layout.Address(tag), image);
            // Both change the list of what refers to the image, and the list of tags.
            foreach (var tag in (string[])["three", "four"])
                await pail.DoAsync("push", "--quiet", layout.Address(tag), $"s3://{name}/app:{tag}");
            await pail.DoAsync("rollback", "--quiet", image);
            Assert.Equal(one.Digest.ToString(), (await pail.DoAsync("digest", image)).Output.Trim());
            await pail.DoAsync("rm", "--quiet", image);
            await pail.DoAsync("undelete", "--quiet", image);
            Assert.Equal(one.Digest.ToString(), (await pail.DoAsync("digest", image)).Output.Trim());
            await pail.DoAsync("gc", $"s3://{name}", "--alone", "--pace", "10s");

            using (var store = server.Open(name))
                Assert.Equal(await StoreConditions.ProbeAsync(store, Cancel), (await BucketSettings.TryReadAsync(store, Cancel))!.Conditions);
            await File.WriteAllTextAsync(folder["policy.yaml"], "version: 1\nimmutable:\n  - repositories: '**'\n    tags: '*'\n", Cancel);
            await pail.DoAsync("policy", "set", $"s3://{name}", folder["policy.yaml"]);
            (await pail.RunAsync("push", "--quiet", layout.Address("two"), image)).Ended(7);
            Assert.Equal(one.Digest.ToString(), (await pail.DoAsync("digest", image)).Output.Trim());
        }
        finally
        {
            await server.RemoveVersionsAsync(name);
            await server.RemoveAsync(name);
        }
    }
}
