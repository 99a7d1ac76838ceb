using System.Buffers;
using System.Net;
using System.Text.Json.Nodes;
using Pail.Oci;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit;

namespace Pail.Tests.S3;

/// <summary>Making a bucket, and opening exactly a part of it, on Ceph RGW; and what Swift says to that.</summary>
[NeedsServers]
public sealed class S3AdminTests : IAsyncLifetime
{
    private static readonly ObjectHeaders Plain = new(MediaTypes.OctetStream);
    private static readonly ReadOnlySequence<byte> Body = new("body"u8.ToArray());

    private readonly string _bucket = S3Server.NewName();
    private readonly RequestMeter _meter = new();
    private readonly S3Store _store;
    private readonly HttpClient _anybody = new();

    public S3AdminTests() => _store = S3Server.Ceph.Open(_bucket, meter: _meter);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => Assert.True(await _store.CreateBucketAsync(Cancel));

    public async ValueTask DisposeAsync()
    {
        _anybody.Dispose();
        _store.Dispose();
        await S3Server.Ceph.RemoveAsync(_bucket);
    }

    private async Task<HttpStatusCode> AskAsync(string path)
    {
        using var answer = await _anybody.GetAsync(new Uri($"{S3Server.Ceph.Endpoint}/{_bucket}{path}"), Cancel);
        return answer.StatusCode;
    }

    [Fact]
    public async Task CreateBucket_ThatIsThere_AsksOnceAndMakesNone()
    {
        var scope = _meter.BeginScope();
        Assert.False(await _store.CreateBucketAsync(Cancel));
        Assert.Equal([(StoreOperation.HeadBucket, 1L)], scope.Counts.Select(c => (c.Key, c.Value)));
    }

    [Fact]
    public async Task CreateBucket_OnSwift_MakesItOnce()
    {
        var name = S3Server.NewName();
        using (var store = S3Server.Swift.Open(name))
        {
            Assert.True(await store.CreateBucketAsync(Cancel));
            Assert.False(await store.CreateBucketAsync(Cancel));
        }
        await S3Server.Swift.RemoveAsync(name);
    }

    [Fact]
    public async Task AllowAnonymousRead_Prefix_OpensThatAndNothingElse()
    {
        foreach (var key in (string[])["v2/", "v2/app/manifests/1", "pail.json", "v20", "uploads/x"])
            await _store.PutAsync(key, Body, Plain, PutCondition.None, Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync("/v2/"));

        var policy = await _store.AllowAnonymousReadAsync("v2/", Cancel);

        Assert.Contains($"arn:aws:s3:::{_bucket}/v2/*", policy, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await AskAsync("/v2/"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("/v2/app/manifests/1"));
        foreach (var path in (string[])["/pail.json", "/v20", "/uploads/x", "", "?list-type=2&prefix=v2/", "/v2/missing"])
            Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(path));
        using var write = await _anybody.PutAsync(new Uri($"{S3Server.Ceph.Endpoint}/{_bucket}/v2/new"), new ByteArrayContent([1]), Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, write.StatusCode);
    }

    [Fact]
    public async Task AllowAnonymousRead_Again_ChangesNothing()
    {
        var first = await _store.AllowAnonymousReadAsync("v2/", Cancel);
        var scope = _meter.BeginScope();
        Assert.Equal(first, await _store.AllowAnonymousReadAsync("v2/", Cancel));
        Assert.Equal([(StoreOperation.GetBucketPolicy, 1L)], scope.Counts.Select(c => (c.Key, c.Value)));
    }

    [Fact]
    public async Task AllowAnonymousRead_PolicyOfTheOwner_StaysBesideIt()
    {
        using (var client = S3Server.Ceph.Client())
            await client.PutBucketPolicyAsync(_bucket, $$"""
                {"Version":"2012-10-17","Id":"mine","Statement":[{"Sid":"Mine","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{{_bucket}}/other/*"}]}
                """, Cancel);
        await _store.PutAsync("other/k", Body, Plain, PutCondition.None, Cancel);
        await _store.PutAsync("v2/", Body, Plain, PutCondition.None, Cancel);
        using (var part = S3Server.Ceph.Open(_bucket, "deep/er/"))
        {
            await part.PutAsync("v2/", Body, Plain, PutCondition.None, Cancel);
            await part.AllowAnonymousReadAsync("v2/", Cancel);
        }
        var policy = JsonNode.Parse(await _store.AllowAnonymousReadAsync("v2/", Cancel))!;
        Assert.Equal("mine", (string?)policy["Id"]);
        Assert.Equal(3, policy["Statement"]!.AsArray().Count);
        foreach (var path in (string[])["/other/k", "/v2/", "/deep/er/v2/"])
            Assert.Equal(HttpStatusCode.OK, await AskAsync(path));
    }

    [Fact]
    public async Task AllowAnonymousRead_OnSwift_SaysWhatToDoInstead()
    {
        var name = S3Server.NewName();
        using (var store = S3Server.Swift.Open(name))
        {
            await store.CreateBucketAsync(Cancel);
            var failure = await Assert.ThrowsAsync<StoreException>(() => store.AllowAnonymousReadAsync("v2/", Cancel));
            Assert.Equal(StoreError.Rejected, failure.Error);
            Assert.Contains("no bucket policies", failure.Message, StringComparison.Ordinal);
        }
        await S3Server.Swift.RemoveAsync(name);
    }

    [Fact]
    public async Task Presigned_GetAndPart_NeedNoCredentials()
    {
        await _store.PutAsync("v2/a b+", Body, Plain, PutCondition.None, Cancel);
        Assert.Equal("body", await _anybody.GetStringAsync(_store.PresignGet("v2/a b+", TimeSpan.FromMinutes(1)), Cancel));
        var upload = new UploadId("u", await _store.CreateUploadAsync("u", Plain, Cancel));
        using var sent = await _anybody.PutAsync(_store.PresignUploadPart(upload, 1, TimeSpan.FromMinutes(1)), new ByteArrayContent([1, 2, 3]), Cancel);
        Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        Assert.Equal([3L], (await _store.ListPartsAsync(upload, Cancel)).Select(part => part.Size));
    }

    [Fact]
    public async Task Presigned_VirtualHost_IsWhatTheStoreExpects()
    {
        await _store.PutAsync("v2/", Body, Plain, PutCondition.None, Cancel);
        using var virtualHost = S3Store.Open(
            S3Server.Ceph.Options(_bucket) with { PublicEndpoint = $"http://s3.localhost:{new Uri(S3Server.Ceph.Endpoint).Port}", Addressing = AddressingStyle.VirtualHost },
            new RequestMeter());
        var address = virtualHost.PresignGet("v2/", TimeSpan.FromMinutes(1));
        Assert.Equal($"{_bucket}.s3.localhost", address.Host);
        // The name need not resolve here: the request goes to the server and only says that name.
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(S3Server.Ceph.Endpoint + address.PathAndQuery));
        request.Headers.Host = address.Authority;
        using var answer = await _anybody.SendAsync(request, Cancel);
        Assert.Equal("body", await answer.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task Presigned_OnSwift_NeedsNoCredentials()
    {
        var name = S3Server.NewName();
        using (var store = S3Server.Swift.Open(name))
        {
            await store.CreateBucketAsync(Cancel);
            await store.PutAsync("v2/a b+", Body, Plain, PutCondition.None, Cancel);
            Assert.Equal("body", await _anybody.GetStringAsync(store.PresignGet("v2/a b+", TimeSpan.FromMinutes(1)), Cancel));
        }
        await S3Server.Swift.RemoveAsync(name);
    }
}
