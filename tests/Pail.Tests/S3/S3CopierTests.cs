using Amazon.Runtime;
using Pail.Places;
using Pail.S3;
using Pail.Stores;

namespace Pail.Tests.S3;

/// <summary>From which buckets the store is let copy: those of the same store, credentials and owner.</summary>
public sealed class S3CopierTests
{
    private const string List = """
        <?xml version="1.0"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>me</ID></Owner>
        <Buckets><Bucket><Name>bucket</Name></Bucket><Bucket><Name>mine</Name></Bucket></Buckets></ListAllMyBucketsResult>
        """;

    private static readonly AWSCredentials Others = new BasicAWSCredentials("OTHERKEY", "SECRETKEY");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("mine", 200, true)]
    [InlineData("strangers", 200, false)]
    [InlineData("mine", 403, false)]
    [InlineData("mine", 501, false)]
    public async Task CopierFrom_AnotherBucket_OnlyOfTheSameOwner(string bucket, int status, bool expected)
    {
        await using var fake = new FakeStore(_ => status == 200 ? FakeStore.Answer(200, List) : FakeStore.Error(status, "Refused"));
        using var store = fake.Open();
        using var other = Open(fake, new("s3", bucket, ""));

        Assert.Equal(expected, await store.CopierFromAsync(other, Cancel) is not null);
        Assert.Equal("GET / HTTP/1.1", Assert.Single(fake.Requests).Head.FirstLine);
    }

    [Fact]
    public async Task CopierFrom_StoreFails_IsAFailure()
    {
        await using var fake = new FakeStore(_ => FakeStore.Error(503, "SlowDown"));
        using var store = fake.Open();
        using var other = Open(fake, new("s3", "mine", ""));

        Assert.True((await Assert.ThrowsAsync<StoreException>(() => store.CopierFromAsync(other, Cancel))).IsTransient);
    }

    [Fact]
    public async Task CopierFrom_WithoutAsking_AnotherPartYesAnotherStoreOrNameNo()
    {
        await using var fake = new FakeStore(_ => FakeStore.Answer(200, List));
        await using var elsewhere = new FakeStore(_ => FakeStore.Answer(200, List));
        using var store = fake.Open();
        using var part = Open(fake, new("s3", "bucket", "part/"));
        using var far = Open(elsewhere, new("s3", "mine", ""));
        using var others = S3Store.Open(fake.Options(Others) with { Root = new BucketRoot.Url("s3", "mine", "") }, new RequestMeter());
        using var anonymous = S3Store.Open(fake.Options(new AnonymousAWSCredentials()) with { Root = new BucketRoot.Url("s3", "mine", "") }, new RequestMeter());

        Assert.NotNull(await store.CopierFromAsync(part, Cancel));
        foreach (var other in (S3Store[])[far, others, anonymous])
            Assert.Null(await store.CopierFromAsync(other, Cancel));
        Assert.Empty(fake.Requests);
    }

    [Fact]
    public async Task CopierFrom_ListOfBuckets_IsNoSignOfTheBucket()
    {
        await using var fake = new FakeStore(asked => asked.Head.FirstLine.StartsWith("GET / ", StringComparison.Ordinal) ? FakeStore.Answer(200, List) : "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        using var store = fake.Open();
        using var other = Open(fake, new("s3", "mine", ""));

        await store.CopierFromAsync(other, Cancel);

        Assert.Equal(StoreError.NoSuchBucket, (await Assert.ThrowsAsync<StoreException>(() => store.HeadAsync("key", Cancel))).Error);
    }

    [Fact]
    public async Task Copy_FromAnotherBucket_NamesItsKey()
    {
        await using var fake = new FakeStore(asked => asked.Head.FirstLine.StartsWith("GET", StringComparison.Ordinal) ? FakeStore.Answer(200, List) : FakeStore.Answer(200, "<CopyObjectResult><ETag>\"x\"</ETag></CopyObjectResult>"));
        using var store = S3Store.Open(fake.Options() with { Root = new BucketRoot.Url("s3", "bucket", "to/") }, new RequestMeter());
        using var other = Open(fake, new("s3", "mine", "from/"));

        var copier = await store.CopierFromAsync(other, Cancel);
        Assert.True(await copier!.CopyAsync("a", "b", new("application/octet-stream"), Cancel));

        var copy = fake.Requests[1].Head;
        Assert.StartsWith("PUT /bucket/to/b", copy.FirstLine, StringComparison.Ordinal);
        Assert.Equal("mine/from/a", Uri.UnescapeDataString(copy["x-amz-copy-source"]!).TrimStart('/'));
    }

    private static S3Store Open(FakeStore fake, BucketRoot.Url root) => S3Store.Open(fake.Options() with { Root = root }, new RequestMeter());
}
