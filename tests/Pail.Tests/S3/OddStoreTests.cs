using System.Buffers;
using Pail.Oci;
using Pail.S3;
using Pail.Stores;

namespace Pail.Tests.S3;

/// <summary>Answers of stores that are not AWS, as their documentation and their users tell of them.</summary>
public sealed class OddStoreTests
{
    private const string NoList = "<Message>User: arn:aws:iam::1:user/x is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::bucket\" because no identity-based policy allows the s3:ListBucket action</Message>";
    private const string NoKey = "<Message>User: arn:aws:iam::1:user/x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:x</Message>";

    private static readonly ObjectHeaders Plain = new(MediaTypes.OctetStream);
    private static readonly ReadOnlySequence<byte> Body = new("body"u8.ToArray());

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static bool IsList(FakeStore.Asked asked) => asked.Head.FirstLine.Contains("list-type", StringComparison.Ordinal);

    private static bool IsHead(FakeStore.Asked asked) => asked.Head.FirstLine.StartsWith("HEAD ", StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData(NoList)]
    public async Task Missing_WhereTheBucketCanNotBeListed_IsNotThere(string words)
    {
        await using var fake = new FakeStore(asked => IsHead(asked) ? FakeStore.Answer(403) : FakeStore.Error(403, "AccessDenied", words));
        using var store = fake.Open();
        Assert.Null(await store.GetAsync("a", null, Cancel));
        Assert.Null(await store.HeadAsync("b", Cancel));
        Assert.Null(await store.GetAsync("c", new ByteRange(0, 5), Cancel));
        // Only the first refusal is looked into.
        Assert.Single(fake.Requests, IsList);
        Assert.Equal(4, fake.Requests.Count);
    }

    [Fact]
    public async Task Refused_WhereTheBucketCanBeListed_IsDenied()
    {
        await using var fake = new FakeStore(asked => IsList(asked) ? FakeStore.Answer(200, "<ListBucketResult></ListBucketResult>") : FakeStore.Error(403, "AccessDenied"));
        using var store = fake.Open();
        Assert.Equal(StoreError.AccessDenied, (await Assert.ThrowsAsync<StoreException>(() => store.GetAsync("a", null, Cancel))).Error);
    }

    [Theory]
    [InlineData("InvalidAccessKeyId", "", StoreError.BadCredentials)]
    [InlineData("SignatureDoesNotMatch", "", StoreError.BadCredentials)]
    [InlineData("RequestTimeTooSkewed", "", StoreError.BadCredentials)]
    [InlineData("AccessDenied", NoKey, StoreError.AccessDenied)]
    [InlineData("AllAccessDisabled", "", StoreError.AccessDenied)]
    [InlineData("InvalidObjectState", "", StoreError.Rejected)]
    public async Task Refused_ForAReasonOfItsOwn_IsNeverNotThere(string code, string words, StoreError expected)
    {
        await using var fake = new FakeStore(_ => FakeStore.Error(403, code, words));
        using var store = fake.Open();
        Assert.Equal(expected, (await Assert.ThrowsAsync<StoreException>(() => store.GetAsync("a", null, Cancel))).Error);
    }

    [Fact]
    public async Task Head_WithWrongKeys_SaysSo()
    {
        // HEAD has no body to say why; the list has.
        await using var fake = new FakeStore(asked => IsHead(asked) ? FakeStore.Answer(403) : FakeStore.Error(403, "SignatureDoesNotMatch"));
        using var store = fake.Open();
        Assert.Equal(StoreError.BadCredentials, (await Assert.ThrowsAsync<StoreException>(() => store.HeadAsync("a", Cancel))).Error);
    }

    [Theory]
    [InlineData(403, "InvalidObjectState", "archived")]
    [InlineData(403, "QuotaExceeded", "quota")]
    [InlineData(507, "XMinioStorageFull", "full")]
    [InlineData(403, "SecondLevelDomainForbidden", "--addressing-style virtual")]
    [InlineData(403, "PathStyleDomainForbidden", "--addressing-style virtual")]
    public async Task Put_RefusedForGood_SaysWhatToDo(int status, string code, string advice)
    {
        await using var fake = new FakeStore(_ => FakeStore.Error(status, code, "<Message>in its own words</Message>"));
        using var store = fake.Open();
        var error = await Assert.ThrowsAsync<StoreException>(() => store.PutAsync("a", Body, Plain, PutCondition.None, Cancel));
        Assert.False(error.IsTransient);
        Assert.Equal(StoreError.Rejected, error.Error);
        Assert.Contains(advice, error.Message, StringComparison.Ordinal);
        Assert.Contains("in its own words", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Put_DeniedWithWords_ShowsThem()
    {
        await using var fake = new FakeStore(_ => FakeStore.Error(403, "AccessDenied", "<Message>Cannot upload files, storage cap exceeded</Message>"));
        using var store = fake.Open();
        Assert.Contains("storage cap exceeded", (await Assert.ThrowsAsync<StoreException>(() => store.PutAsync("a", Body, Plain, PutCondition.None, Cancel))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("InvalidRequest", "<Message>Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters</Message>")]
    [InlineData("MissingContentMD5", "")]
    public async Task Body_WhereObjectLockWantsItsMd5_IsSentWithIt(string code, string words)
    {
        const string md5 = "hBotaJrYa9FhFEdFPCLG/A=="; // printf body | openssl md5 -binary | base64
        await using var fake = new FakeStore(asked => asked.Head["Content-MD5"] == md5 ? FakeStore.Answer(200, "", "ETag: \"e\"\r\n") : FakeStore.Error(400, code, words));
        using var store = fake.Open();
        Assert.Equal("e", await store.PutAsync("a", Body, Plain, PutCondition.IfAbsent, Cancel));
        Assert.Equal("e", await store.UploadPartAsync(new("a", "id"), 1, 0, Body, Cancel));
        Assert.Equal("e", await store.PutAsync("b", Body, Plain, PutCondition.None, Cancel));
        // Refused once, and sent with it from then on.
        Assert.Equal(4, fake.Requests.Count);
    }

    [Theory]
    [InlineData("\"abc\"", "abc")]
    [InlineData("abc", "abc")]
    [InlineData("W/\"abc\"", "abc")]
    [InlineData("\"abc-gzip\"", "abc")]
    [InlineData("W/\"abc;gzip\"", "abc")]
    [InlineData("\"abc\"-gzip", "abc")]
    [InlineData("\"abc-12\"", "abc-12")]
    [InlineData("", "")]
    public async Task ETag_AsWebServersChangeIt_IsThatOfTheStore(string sent, string expected)
    {
        await using var fake = new FakeStore(_ => FakeStore.Answer(200, "", $"ETag: {sent}\r\n"));
        using var store = fake.Open();
        Assert.Equal(expected, (await store.HeadAsync("a", Cancel))!.ETag);
    }

    [Fact]
    public async Task Get_WithoutContentLength_IsReadToItsEnd()
    {
        await using var fake = new FakeStore(_ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"e\"\r\n\r\n4\r\nbody\r\n4\r\n and\r\n0\r\n\r\n");
        using var store = fake.Open();
        await using var content = await store.GetAsync("a", null, Cancel);
        using var reader = new StreamReader(content!.Body);
        Assert.Equal("body and", $"{await reader.ReadToEndAsync(Cancel)}".Trim());
        Assert.Equal(8, content.Length);
        Assert.Equal(8, content.Info.Size);
    }

    [Fact]
    public async Task Head_WithoutContentLength_AsksARangeForTheSize()
    {
        await using var fake = new FakeStore(asked => IsHead(asked)
            ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            : "HTTP/1.1 206 Partial\r\nContent-Length: 1\r\nContent-Range: bytes 0-0/4321\r\n\r\nx");
        using var store = fake.Open();
        Assert.Equal(4321, (await store.HeadAsync("a", Cancel))!.Size);
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("99999999999999", int.MaxValue)]
    [InlineData("880.092µs", null)]
    [InlineData("-1", null)]
    public void RetryAfter_OfAnyKind_IsReadOrDropped(string text, int? seconds) =>
        Assert.Equal(seconds, (int?)S3Refusals.ParseRetryAfter(text)?.TotalSeconds);
}
