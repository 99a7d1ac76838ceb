using System.Buffers;
using System.Text;
using Amazon.Runtime;
using Pail.Oci;
using Pail.S3;
using Pail.Stores;

namespace Pail.Tests.S3;

/// <summary>What goes over the wire: nothing that R2, RGW or Swift refuse, and nothing that costs.</summary>
public sealed class S3WireTests
{
    private static readonly ReadOnlySequence<byte> Body = new("body"u8.ToArray());

    private static readonly ObjectHeaders Headers = new(MediaTypes.OciManifest, "no-cache")
    {
        Metadata = new Dictionary<string, string> { ["docker-content-digest"] = "sha256:00" },
        StorageClass = "INTELLIGENT_TIERING",
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ConditionalWrites_OfAStoreThatCant_AreAskedForOnceEach()
    {
        await using var fake = new FakeStore(_ => FakeStore.Error(501, "NotImplemented"));
        using var store = fake.Open();
        foreach (var condition in new[] { PutCondition.IfAbsent, PutCondition.IfMatch("0a") })
            for (var i = 0; i < 3; i++)
                Assert.Equal(StoreError.ConditionUnsupported, (await Assert.ThrowsAsync<StoreException>(() => store.PutAsync("k", Body, Headers, condition, Cancel))).Error);
        Assert.Equal(2, fake.Requests.Count);
    }

    /// <summary>Makes every request there is.</summary>
    private static async Task AskAllAsync(S3Store store)
    {
        var upload = new UploadId("k", "an/id+");
        await store.HeadAsync("k", Cancel);
        await (await store.GetAsync("k", ByteRange.Of(0, 4), Cancel))!.DisposeAsync();
        await store.PutAsync("k", Body, Headers, PutCondition.None, Cancel);
        await store.PutAsync("k", Body, Headers, PutCondition.IfAbsent, Cancel);
        await store.PutAsync("k", new(new byte[2 << 20]), Headers, PutCondition.IfMatch("0a"), Cancel);
        await store.ListAsync(new("p", "/", "p/a"), Cancel);
        await store.DeleteAsync("k", Cancel);
        await store.CreateUploadAsync("k", Headers, Cancel);
        await store.UploadPartAsync(upload, 1, 0, Body, Cancel);
        await store.CompleteUploadAsync(upload, [new(1, "0a", 4)], Cancel);
        await store.AbortUploadAsync(upload, Cancel);
        await store.ListPartsAsync(upload, Cancel);
        await store.ListUploadsAsync("p", Cancel);
        await store.CopyAsync("k", "to", Headers, Cancel);
        await store.CopyPartAsync("k", ByteRange.Of(0, 4), upload, 1, 0, Cancel);
        await store.AllowAnonymousReadAsync("v2/", Cancel);
        await store.CreateBucketAsync(Cancel);
    }

    private static string AnswerAll(FakeStore.Asked asked) => asked.Head.FirstLine switch
    {
        ['H', ..] => FakeStore.Answer(200, headers: "ETag: \"0a\"\r\n")[..],
        var line when line.Contains("policy", StringComparison.Ordinal) && line.StartsWith("GET", StringComparison.Ordinal) => FakeStore.Error(404, "NoSuchBucketPolicy"),
        var line when line.StartsWith("GET /bucket/k ", StringComparison.Ordinal) => "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-3/4\r\nContent-Length: 4\r\n\r\nbody",
        var line when line.StartsWith("GET /bucket?list-type", StringComparison.Ordinal) || line.StartsWith("GET /bucket/?list-type", StringComparison.Ordinal) => FakeStore.Answer(200, "<ListBucketResult></ListBucketResult>"),
        var line when line.StartsWith("GET", StringComparison.Ordinal) && line.Contains("uploads", StringComparison.Ordinal) => FakeStore.Answer(200, "<ListMultipartUploadsResult></ListMultipartUploadsResult>"),
        var line when line.StartsWith("GET", StringComparison.Ordinal) => FakeStore.Answer(200, "<ListPartsResult></ListPartsResult>"),
        var line when line.Contains("?uploads", StringComparison.Ordinal) => FakeStore.Answer(200, "<InitiateMultipartUploadResult><UploadId>an/id+</UploadId></InitiateMultipartUploadResult>"),
        ['P', 'O', ..] => FakeStore.Answer(200, "<CompleteMultipartUploadResult><ETag>\"0a-1\"</ETag></CompleteMultipartUploadResult>"),
        _ when asked.Head["x-amz-copy-source"] is not null => FakeStore.Answer(200, "<CopyResult><ETag>\"0a\"</ETag></CopyResult>"),
        ['D', ..] => "HTTP/1.1 204 No Content\r\n\r\n",
        _ => FakeStore.Answer(200, headers: "ETag: \"0a\"\r\n"),
    };

    [Fact]
    public async Task EveryRequest_IsPlainAndSigned()
    {
        await using var fake = new FakeStore(AnswerAll);
        var meter = new RequestMeter();
        using var store = S3Store.Open(fake.Options(new SessionAWSCredentials("ACCESSKEY", "SECRETKEY", "SESSIONTOKEN")), meter);
        await AskAllAsync(store);
        Assert.Equal(18, fake.Requests.Count);
        Assert.Equal(18, meter.Counts.Values.Sum());
        Assert.All(fake.Requests, request =>
        {
            Assert.DoesNotContain("STREAMING-", request.Raw, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("aws-chunked", request.Raw, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("Trailer", request.Raw, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("SECRETKEY", request.Raw, StringComparison.Ordinal);
            Assert.False(request.Head.IsChunked, request.Raw);
            Assert.Null(request.Head["x-amz-storage-class"]);
            Assert.Contains("x-amz-security-token", request.Head["Authorization"]!, StringComparison.Ordinal);
            Assert.Equal("SESSIONTOKEN", request.Head["x-amz-security-token"]);
        });
        // The SDK insists on a checksum where S3 does: a header, on the bucket's policy alone.
        Assert.Equal(["PUT /bucket/?policy HTTP/1.1"], fake.Requests.Where(r => r.Raw.Contains("checksum-", StringComparison.OrdinalIgnoreCase)).Select(r => r.Head.FirstLine));
    }

    [Fact]
    public async Task Put_SmallBody_IsSignedWithItsHashAndDescribed()
    {
        await using var fake = new FakeStore(AnswerAll);
        using var store = fake.Open();
        await store.PutAsync("a b+/ü", Body, Headers, PutCondition.None, Cancel);
        var put = Assert.Single(fake.Requests);
        Assert.Equal("PUT /bucket/a%20b%2B/%C3%BC HTTP/1.1", put.Head.FirstLine);
        Assert.Equal(Digest.Of("body"u8).Hex, put.Head["x-amz-content-sha256"]);
        Assert.Equal(MediaTypes.OciManifest, put.Head["Content-Type"]);
        Assert.Equal("no-cache", put.Head["Cache-Control"]);
        Assert.Equal("sha256:00", put.Head["x-amz-meta-docker-content-digest"]);
        Assert.Equal("body", Encoding.UTF8.GetString(put.Body));
        Assert.Null(put.Head["Expect"]);
    }

    [Fact]
    public async Task UploadPart_LargeBody_WaitsForConsent()
    {
        await using var fake = new FakeStore(AnswerAll);
        using var store = fake.Open();
        var bytes = new byte[3 << 20];
        new Random(1).NextBytes(bytes);
        Assert.Equal("0a", await store.UploadPartAsync(new("k", "an/id+"), 2, 0, new(bytes), Cancel));
        var put = Assert.Single(fake.Requests);
        Assert.Equal("PUT /bucket/k?partNumber=2&uploadId=an%2Fid%2B HTTP/1.1", put.Head.FirstLine);
        Assert.Equal("100-continue", put.Head["Expect"]);
        Assert.Equal("UNSIGNED-PAYLOAD", put.Head["x-amz-content-sha256"]);
        Assert.Equal(bytes, put.Body);
    }

    [Theory]
    [InlineData("1A2B3C4D5E6F7890", "\"0a\"")]
    [InlineData("tx00000ff587ca0175dfff3-006b016099", "\"0a\"")]
    [InlineData("tx00000ff587ca0175dfff3-006b016099-100c-default", "0a")]
    public async Task IfMatch_ByStore_IsQuotedUnlessCeph(string requestId, string expected)
    {
        await using var fake = new FakeStore(_ => FakeStore.Answer(200, headers: $"ETag: \"0a\"\r\nx-amz-request-id: {requestId}\r\n"));
        using var store = fake.Open();
        var etag = (await store.HeadAsync("k", Cancel))!.ETag;
        await store.PutAsync("k", Body, Headers, PutCondition.IfMatch(etag), Cancel);
        Assert.Equal(expected, fake.Requests[1].Head["If-Match"]);
    }

    [Fact]
    public void Presign_Path_IsForTheEndpointAndCarriesTheToken()
    {
        using var store = S3Store.Open(S3Server.Options("http://127.0.0.1:1", "bucket", "p/") with { PublicEndpoint = "https://public.example.org:8443" }, new RequestMeter());
        var get = store.PresignGet("v2/a b", TimeSpan.FromMinutes(5));
        Assert.Equal("https://public.example.org:8443/bucket/p/v2/a%20b", get.GetLeftPart(UriPartial.Path));
        Assert.Contains("X-Amz-Expires=300", get.Query, StringComparison.Ordinal);
        Assert.Contains("X-Amz-Security-Token=SESSIONTOKEN", get.Query, StringComparison.Ordinal);
        Assert.Contains("X-Amz-Signature=", get.Query, StringComparison.Ordinal);
        var part = store.PresignUploadPart(new("k", "id"), 7, TimeSpan.FromMinutes(5));
        Assert.Contains("partNumber=7", part.Query, StringComparison.Ordinal);
        Assert.Contains("uploadId=id", part.Query, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://store.example.org", null, "https://store.example.org/bucket/k")]
    [InlineData("https://store.example.org", AddressingStyle.VirtualHost, "https://bucket.store.example.org/k")]
    [InlineData("https://0123.r2.cloudflarestorage.com", null, "https://0123.r2.cloudflarestorage.com/bucket/k")]
    [InlineData("https://s3.eu-west-1.amazonaws.com", null, "https://bucket.s3.eu-west-1.amazonaws.com/k")]
    [InlineData("https://s3.eu-west-1.amazonaws.com", AddressingStyle.Path, "https://s3.eu-west-1.amazonaws.com/bucket/k")]
    [InlineData("http://127.0.0.1:9000", AddressingStyle.VirtualHost, "http://127.0.0.1:9000/bucket/k")]
    [InlineData("https://store.example.org/s3/", null, "https://store.example.org/s3/bucket/k")]
    public void Address_ByEndpointAndStyle_IsTheOneTheStoreExpects(string endpoint, AddressingStyle? style, string expected)
    {
        using var store = S3Store.Open(S3Server.Options(endpoint, "bucket", "") with { Addressing = style }, new RequestMeter());
        Assert.Equal(expected, store.PresignGet("k", TimeSpan.FromMinutes(1)).GetLeftPart(UriPartial.Path));
    }

    [Theory]
    [InlineData("eu-central-1", "https://bucket.s3.eu-central-1.amazonaws.com/k")]
    [InlineData("us-east-1", "https://bucket.s3.us-east-1.amazonaws.com/k")]
    [InlineData("cn-north-1", "https://bucket.s3.cn-north-1.amazonaws.com.cn/k")]
    public void Address_NoEndpoint_IsAmazons(string region, string expected)
    {
        using var store = S3Store.Open(S3Server.Options(null, "bucket", "") with { Region = region }, new RequestMeter());
        Assert.Equal(expected, store.PresignGet("k", TimeSpan.FromMinutes(1)).GetLeftPart(UriPartial.Path));
    }

    [Fact]
    public void Address_BucketThatIsNoHostName_StaysInThePath()
    {
        using var store = S3Store.Open(S3Server.Options(null, "my.dotted.bucket", "") with { Region = "eu-central-1" }, new RequestMeter());
        Assert.Equal("https://s3.eu-central-1.amazonaws.com/my.dotted.bucket/k", store.PresignGet("k", TimeSpan.FromMinutes(1)).GetLeftPart(UriPartial.Path));
    }
}
