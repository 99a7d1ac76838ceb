using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Pail.Oci;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit;

namespace Pail.Tests.S3;

/// <summary>What real servers refuse, told in one line that says what to do and holds no secret.</summary>
[NeedsServers]
public sealed class S3ErrorTests : IAsyncLifetime
{
    private const string Secret = "aWrongSecretThatMustNotBeSeenAnywhere";
    private static readonly ObjectHeaders Plain = new(MediaTypes.OctetStream);
    private static readonly ReadOnlySequence<byte> Body = new("body"u8.ToArray());

    private readonly string _bucket = S3Server.NewName();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        using var store = S3Server.Ceph.Open(_bucket);
        await store.CreateBucketAsync(Cancel);
        await store.PutAsync("k", Body, Plain, PutCondition.None, Cancel);
    }

    public async ValueTask DisposeAsync() => await S3Server.Ceph.RemoveAsync(_bucket);

    private static async Task<StoreException> FailsAsync(StoreError error, Func<S3Store, Task> call, S3Options options)
    {
        using var store = S3Store.Open(options, new RequestMeter());
        var failure = await Assert.ThrowsAsync<StoreException>(() => call(store));
        Assert.True(failure.Error == error, $"{error} was expected, not {failure.Error}: {failure.Message}");
        Assert.DoesNotContain('\n', failure.Message);
        Assert.StartsWith(store.Name, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, failure.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("X-Amz-Signature", failure.ToString(), StringComparison.OrdinalIgnoreCase);
        return failure;
    }

    private S3Options As(string key, string secret) => S3Server.Ceph.Options(_bucket) with { Credentials = new BasicAWSCredentials(key, secret) };

    [Fact]
    public async Task UnknownAccessKey_ByWireAndSdk_IsBadCredentials()
    {
        var options = As("NOBODYSACCESSKEY", Secret);
        Assert.Contains("AWS_ACCESS_KEY_ID", (await FailsAsync(StoreError.BadCredentials, store => store.GetAsync("k", null, Cancel), options)).Message, StringComparison.Ordinal);
        await FailsAsync(StoreError.BadCredentials, store => store.PutAsync("k", Body, Plain, PutCondition.None, Cancel), options);
        await FailsAsync(StoreError.BadCredentials, store => store.ListAsync(new(""), Cancel), options);
        await FailsAsync(StoreError.BadCredentials, store => store.CreateUploadAsync("k", Plain, Cancel), options);
    }

    [Fact]
    public async Task WrongSecret_ByWireAndSdk_IsBadCredentials()
    {
        var options = As(Environment.GetEnvironmentVariable("AWS_ACCESS_KEY_ID")!, Secret);
        Assert.Contains("AWS_SECRET_ACCESS_KEY", (await FailsAsync(StoreError.BadCredentials, store => store.GetAsync("k", null, Cancel), options)).Message, StringComparison.Ordinal);
        await FailsAsync(StoreError.BadCredentials, store => store.DeleteAsync("k", Cancel), options);
        // HEAD is refused without a word of why; the list says it.
        Assert.Contains("AWS_SECRET_ACCESS_KEY", (await FailsAsync(StoreError.BadCredentials, store => store.HeadAsync("k", Cancel), options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoPermission_EachCall_IsAccessDenied()
    {
        await DenyAsync("s3:GetObject", "s3:PutObject");
        var options = S3Server.Ceph.Options(_bucket);
        await FailsAsync(StoreError.AccessDenied, store => store.GetAsync("k", null, Cancel), options);
        await FailsAsync(StoreError.AccessDenied, store => store.HeadAsync("k", Cancel), options);
        await FailsAsync(StoreError.AccessDenied, store => store.PutAsync("k", Body, Plain, PutCondition.None, Cancel), options);
        await DenyAsync("s3:ListBucket");
        await FailsAsync(StoreError.AccessDenied, store => store.ListAsync(new(""), Cancel), options);
        using var client = S3Server.Ceph.Client();
        await client.DeleteBucketPolicyAsync(_bucket, Cancel);
    }

    [Fact]
    public async Task NoPermissionToList_MissingObject_IsNotThere()
    {
        await DenyAsync("s3:ListBucket");
        using (var store = S3Server.Ceph.Open(_bucket))
        {
            Assert.Null(await store.HeadAsync("missing", Cancel));
            Assert.Null(await store.GetAsync("missing", null, Cancel));
            Assert.NotNull(await store.HeadAsync("k", Cancel));
        }
        using var client = S3Server.Ceph.Client();
        await client.DeleteBucketPolicyAsync(_bucket, Cancel);
    }

    private async Task DenyAsync(params string[] actions)
    {
        using var client = S3Server.Ceph.Client();
        await client.PutBucketPolicyAsync(_bucket, $$"""
            {"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":[{{string.Join(',', actions.Select(action => $"\"{action}\""))}}],"Resource":["arn:aws:s3:::{{_bucket}}","arn:aws:s3:::{{_bucket}}/*"]}]}
            """, Cancel);
    }

    [Fact]
    public async Task WrongRegion_OnSwift_NamesTheRightOne()
    {
        var options = S3Server.Swift.Options("any-bucket") with { Region = "eu-west-1" };
        foreach (var call in (Func<S3Store, Task>[])[store => store.GetAsync("k", null, Cancel), store => store.ListAsync(new(""), Cancel)])
            Assert.Contains("AWS_REGION=us-east-1", (await FailsAsync(StoreError.Rejected, call, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NobodyListens_EachCall_SaysWhere()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        // Bound but not listening: nobody else gets this port, and connections to it are refused.
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var options = S3Server.Ceph.Options(_bucket) with { Endpoint = $"http://{taken.LocalEndPoint}" };
        foreach (var call in (Func<S3Store, Task>[])[store => store.GetAsync("k", null, Cancel), store => store.ListAsync(new(""), Cancel)])
            Assert.Contains($"nothing answers at {taken.LocalEndPoint}", (await FailsAsync(StoreError.Unavailable, call, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownHost_EachCall_SaysSo()
    {
        var options = S3Server.Ceph.Options(_bucket) with { Endpoint = "http://no-such-host.invalid" };
        foreach (var call in (Func<S3Store, Task>[])[store => store.GetAsync("k", null, Cancel), store => store.ListAsync(new(""), Cancel)])
            Assert.Contains("no-such-host.invalid doesn't resolve", (await FailsAsync(StoreError.Unavailable, call, options)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://host")]
    [InlineData("host:9000")]
    [InlineData("https://key:secret@host")]
    [InlineData("not an address")]
    public void Endpoint_ThatIsNone_IsRefused(string endpoint) =>
        Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => S3Store.Open(S3Server.Options(endpoint, "bucket", ""), new RequestMeter())).Failure);
}
