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
    public async Task Refused_WhereTheBucketIsListedWithIt_IsDenied()
    {
        await using var fake = new FakeStore(asked => IsList(asked) ? FakeStore.Answer(200, "<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>") : FakeStore.Error(403, "AccessDenied"));
        using var store = fake.Open();
        Assert.Equal(StoreError.AccessDenied, (await Assert.ThrowsAsync<StoreException>(() => store.GetAsync("a", null, Cancel))).Error);
    }

    // As on AWS with a right to list that is bound to a prefix, which does not count for GET and HEAD.
    [Theory]
    [InlineData("")]
    [InlineData("<Contents><Key>ab</Key><Size>1</Size></Contents>")]
    public async Task Refused_WhereTheBucketIsListedWithoutIt_IsNotThere(string contents)
    {
        await using var fake = new FakeStore(asked => IsList(asked) ? FakeStore.Answer(200, $"<ListBucketResult>{contents}</ListBucketResult>") : FakeStore.Error(403, "AccessDenied"));
        using var store = fake.Open();
        Assert.Null(await store.GetAsync("a", null, Cancel));
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

    // Policies that deny s3:PutObject unless the request says how it is to be encrypted.
    [Theory]
    [InlineData("AES256", "AES256", null)]
    [InlineData("aes256", "AES256", null)]
    [InlineData("aws:kms", "aws:kms", null)]
    [InlineData("aws:kms:arn:aws:kms:us-east-1:1:key/k", "aws:kms", "arn:aws:kms:us-east-1:1:key/k")]
    [InlineData("aws:kms:dsse", "aws:kms:dsse", null)]
    [InlineData("aws:kms:dsse:k", "aws:kms:dsse", "k")]
    public async Task Write_WhereThePolicyDemandsEncryption_SaysIt(string option, string method, string? key)
    {
        await using var fake = new FakeStore(asked => asked switch
        {
            { Head.FirstLine: var line } when line.StartsWith("GET ", StringComparison.Ordinal) => FakeStore.Answer(200, "x", "ETag: \"e\"\r\n"),
            _ when asked.Head["x-amz-server-side-encryption"] != method || asked.Head["x-amz-server-side-encryption-aws-kms-key-id"] != key => FakeStore.Error(403, "AccessDenied"),
            { Head.FirstLine: var line } when line.Contains("?uploads", StringComparison.Ordinal) => FakeStore.Answer(200, "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"),
            { Head: var head } when head["x-amz-copy-source"] is not null => FakeStore.Answer(200, "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>"),
            _ => FakeStore.Answer(200, "", "ETag: \"e\"\r\n"),
        });
        using var store = S3Store.Open(fake.Options() with { Encryption = StoreEncryption.Parse(option) }, new RequestMeter());

        Assert.Equal("e", await store.PutAsync("a", Body, Plain, PutCondition.None, Cancel));
        Assert.Equal("e", await store.PutAsync("a", Body, Plain, PutCondition.IfAbsent, Cancel));
        Assert.Equal("id", await store.CreateUploadAsync("a", Plain, Cancel));
        Assert.True(await store.CopyAsync("a", "b", Plain, Cancel));
        await using var content = await store.GetAsync("a", null, Cancel);
        // It is signed, as all x-amz headers must be.
        Assert.Contains("x-amz-server-side-encryption", fake.Requests[0].Head["Authorization"], StringComparison.Ordinal);
        Assert.Null(fake.Requests[^1].Head["x-amz-server-side-encryption"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("none")]
    [InlineData("aws:kms:")]
    [InlineData("aws:kms:a b")]
    [InlineData("AES256:key")]
    [InlineData("aws:kmsx")]
    public void Encryption_ThatIsNone_IsRefused(string text) => Assert.Throws<FormatException>(() => StoreEncryption.Parse(text));

    [Fact]
    public async Task Body_WhereExpectIsNotKnown_IsSentWithoutAsking()
    {
        await using var fake = new FakeStore(asked => asked.Head["Expect"] is null ? FakeStore.Answer(200, "", "ETag: \"e\"\r\n") : FakeStore.Error(417, "ExpectationFailed"));
        using var store = fake.Open();
        var body = new ReadOnlySequence<byte>(new byte[2 << 20]);

        Assert.Equal("e", await store.PutAsync("a", body, Plain, PutCondition.None, Cancel));
        Assert.Equal("e", await store.UploadPartAsync(new("a", "id"), 1, 0, body, Cancel));

        // Refused once, and not asked from then on.
        Assert.Equal(3, fake.Requests.Count);
    }

    [Theory]
    [InlineData(403, true)]
    [InlineData(404, false)]
    public async Task Head_MissingObject_OfABucketThatCanNotBeSeen_IsNotThere(int bucket, bool known)
    {
        // Ceph RGW says 404 of the object, and 403 of the bucket.
        await using var fake = new FakeStore(asked => FakeStore.Answer(asked.Head.FirstLine.Contains("/k ", StringComparison.Ordinal) ? 404 : bucket));
        using var store = fake.Open();
        if (known)
            Assert.Null(await store.HeadAsync("k", Cancel));
        else
            Assert.Equal(StoreError.NoSuchBucket, (await Assert.ThrowsAsync<StoreException>(() => store.HeadAsync("k", Cancel))).Error);
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
