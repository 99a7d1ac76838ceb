using Pail.Buckets;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Tests.Cli;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.S3;
using Pail.Transfer;

namespace Pail.Tests.EndToEnd;

/// <summary>Copies between S3 services that share neither address nor credentials, found by two profiles as a user has them.</summary>
[NeedsServers]
public sealed class OtherStoreTests : IAsyncLifetime
{
    // The same name in both: one bucket must not be taken for the other.
    private readonly string _bucket = S3Server.NewName();
    private readonly TestFolder _folder = new();
    private readonly MemoryImage _image = MemoryImage.Index();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        foreach (var server in new[] { S3Server.Ceph, S3Server.Swift })
        {
            using var store = server.Open(_bucket);
            await store.CreateBucketAsync(Cancel);
        }
        await File.WriteAllLinesAsync(_folder["aws"], [.. Profile("ceph", S3Server.Ceph), .. Profile("swift", S3Server.Swift)], Cancel);
        await ImageCopy.RunAsync(_image, await PlaceAsync(S3Server.Ceph), new CopyOptions(), NoProgress.Instance, Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await S3Server.Ceph.RemoveAsync(_bucket);
        await S3Server.Swift.RemoveAsync(_bucket);
        _folder.Dispose();
    }

    [Theory]
    [InlineData("app:1")]
    [InlineData("app", "--tags", "*")]
    public async Task Copy_WithASourceProfile_ReadsThereAndWritesHere(string name, params string[] options)
    {
        var copied = await RunAsync(["copy", "--source-profile", "ceph", "--profile", "swift", .. options, $"s3://{_bucket}/{name}", $"s3://{_bucket}/{name}"]);

        copied.Succeeded();
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(await OpenAsync(S3Server.Swift)));
    }

    [Fact]
    public async Task Copy_WithASourceEndpoint_UsesNothingOfTheDestinations()
    {
        var refused = await RunAsync("copy", "--source-endpoint-url", S3Server.Ceph.Endpoint, "--profile", "swift", $"s3://{_bucket}/app:1", $"s3://{_bucket}/app:1");

        Assert.Contains("no usable AWS credentials", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_WithAProfileThatIsNotThere_NamesIt() =>
        Assert.Contains("there is no profile 'nobody'", (await RunAsync("copy", "--source-profile", "nobody", $"s3://{_bucket}/app:1", $"oci:{_folder["out"]}")).Ended(4).Error, StringComparison.Ordinal);

    [Fact]
    public async Task Copy_WithASourceProfile_OfNoBucket_IsRefused() =>
        Assert.Contains("the --source options are for a bucket", (await RunAsync("copy", "--source-profile", "ceph", $"oci:{_folder["image"]}", $"s3://{_bucket}/app:1")).Ended(2).Error, StringComparison.Ordinal);

    private async Task<Finished> RunAsync(params string[] arguments) =>
        await PailChild.RunAsync(arguments, ("AWS_CONFIG_FILE", _folder["aws"]), ("AWS_ACCESS_KEY_ID", null), ("AWS_SECRET_ACCESS_KEY", null), ("AWS_REGION", null));

    private async Task<BucketSink> PlaceAsync(S3Server server) => new((await RegistryAsync(server)).Repository(RepositoryName.Parse("app")), Reference.Parse("1"));

    private async Task<BucketSource> OpenAsync(S3Server server) => new((await RegistryAsync(server)).Repository(RepositoryName.Parse("app")), Reference.Parse("1"));

    private Task<Bucket> RegistryAsync(S3Server server) => Bucket.OpenAsync(server.Open(_bucket), new TransferEngine(new TransferOptions()), Cancel);

    private static string[] Profile(string name, S3Server server)
    {
        var keys = server.Credentials.GetCredentials();
        return [$"[profile {name}]", $"aws_access_key_id = {keys.AccessKey}", $"aws_secret_access_key = {keys.SecretKey}", $"endpoint_url = {server.Endpoint}", "region = us-east-1"];
    }
}
