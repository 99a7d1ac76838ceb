using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Pail.Places;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit;

namespace Pail.Tests.S3;

/// <summary>The real S3 servers that <c>./test</c> starts.</summary>
internal sealed record S3Server(string Endpoint, AWSCredentials Credentials, Machine? Machine = null)
{
    private static BasicAWSCredentials OfCeph => new(TestEnvironment.Variable("AWS_ACCESS_KEY_ID"), TestEnvironment.Variable("AWS_SECRET_ACCESS_KEY"));

    /// <summary>Ceph RGW of this machine, 16 on Debian 12.</summary>
    public static S3Server Ceph => new(TestEnvironment.Variable("PAIL_TEST_S3"), OfCeph);

    /// <summary>Ceph RGW 18.</summary>
    public static S3Server Ceph18 => new(TestEnvironment.S3OfDebian13.ToString(), OfCeph, Machine.Debian13);

    public static S3Server Swift => new(TestEnvironment.Variable("PAIL_TEST_SWIFT"), new BasicAWSCredentials(TestEnvironment.Variable("PAIL_TEST_SWIFT_ACCESS"), TestEnvironment.Variable("PAIL_TEST_SWIFT_SECRET")));

    /// <summary>Waits until it answers.</summary>
    public Task ReadyAsync() => (Machine ?? Machine.Here).ReadyAsync();

    public S3Options Options(string bucket, string prefix = "") => new(new BucketRoot.Url("s3", bucket, prefix)) { Endpoint = Endpoint, Credentials = Credentials };

    public S3Store Open(string bucket, string prefix = "", RequestMeter? meter = null) => S3Store.Open(Options(bucket, prefix), meter ?? new());

    /// <summary>A bucket of a store that is never asked anything.</summary>
    public static S3Options Options(string? endpoint, string bucket, string prefix) => new(new BucketRoot.Url("s3", bucket, prefix))
    {
        Endpoint = endpoint,
        Credentials = new SessionAWSCredentials("ACCESSKEY", "SECRETKEY", "SESSIONTOKEN"),
    };

    public static string NewName() => $"t-{Guid.NewGuid():n}";

    /// <summary>For what <see cref="S3Store"/> has no call for.</summary>
    public AmazonS3Client Client() => new(Credentials, new AmazonS3Config { ServiceURL = Endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });

    /// <summary>Removes all versions of all objects of a bucket.</summary>
    public async Task RemoveVersionsAsync(string bucket)
    {
        using var client = Client();
        for (var more = true; more;)
        {
            var page = await client.ListVersionsAsync(new ListVersionsRequest { BucketName = bucket }, CancellationToken.None);
            await Parallel.ForEachAsync(page.Versions ?? [], async (version, cancel) => await client.DeleteObjectAsync(bucket, version.Key, version.VersionId, cancel));
            more = page.IsTruncated == true;
        }
    }

    /// <summary>Empties and removes a bucket.</summary>
    public async Task RemoveAsync(string bucket)
    {
        using var store = Open(bucket);
        foreach (var pending in await store.ListUploadsAsync("", CancellationToken.None))
            await store.AbortUploadAsync(pending.Upload, CancellationToken.None);
        for (string? token = null; ;)
        {
            var page = await store.ListAsync(new("", Continuation: token), CancellationToken.None);
            await Parallel.ForEachAsync(page.Objects, async (entry, cancel) => await store.DeleteAsync(entry.Key, cancel));
            if ((token = page.Continuation) is null)
                break;
        }
        using var client = Client();
        await client.DeleteBucketAsync(bucket);
    }
}
