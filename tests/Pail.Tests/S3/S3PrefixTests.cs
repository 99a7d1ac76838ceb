using System.Buffers;
using Pail.Oci;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit;

namespace Pail.Tests.S3;

/// <summary>A bucket below a prefix: its keys are the real keys without it, in every call.</summary>
[NeedsServers]
public sealed class S3PrefixTests : IAsyncLifetime
{
    private const string Prefix = "some/prefix here+/";
    private static readonly ObjectHeaders Plain = new(MediaTypes.OctetStream);
    private static readonly ReadOnlySequence<byte> Body = new("body"u8.ToArray());

    private readonly string _bucket = S3Server.NewName();
    private readonly S3Store _whole;
    private readonly S3Store _part;

    public S3PrefixTests() => (_whole, _part) = (S3Server.Ceph.Open(_bucket), S3Server.Ceph.Open(_bucket, Prefix));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _whole.CreateBucketAsync(Cancel);

    public async ValueTask DisposeAsync()
    {
        _whole.Dispose();
        _part.Dispose();
        await S3Server.Ceph.RemoveAsync(_bucket);
    }

    [Fact]
    public void Name_SaysThePrefix() => Assert.Equal($"s3://{_bucket}/{Prefix}/", _part.Name);

    [Fact]
    public async Task Objects_LieBelowThePrefix()
    {
        await _part.PutAsync("v2/", Body, Plain, PutCondition.None, Cancel);
        Assert.True(await _part.CopyAsync("v2/", "copy", Plain, Cancel));
        Assert.Equal([Prefix + "copy", Prefix + "v2/"], (await _whole.ListAsync(new(""), Cancel)).Objects.Select(o => o.Key));
        Assert.NotNull(await _part.HeadAsync("copy", Cancel));
        await _part.DeleteAsync("copy", Cancel);
        Assert.Null(await _whole.HeadAsync(Prefix + "copy", Cancel));
        await using var content = await _part.GetAsync("v2/", null, Cancel);
        Assert.Equal(4, content!.Length);
    }

    [Fact]
    public async Task Listing_KnowsNothingOutside()
    {
        foreach (var key in (string[])["a", "some", Prefix + "a", Prefix + "b/1", Prefix + "b/2", Prefix + "c", "z"])
            await _whole.PutAsync(key, Body, Plain, PutCondition.None, Cancel);
        Assert.Equal(["a", "b/1", "b/2", "c"], (await _part.ListAsync(new(""), Cancel)).Objects.Select(o => o.Key));
        Assert.Equal(["b/2", "c"], (await _part.ListAsync(new("", StartAfter: "b/1"), Cancel)).Objects.Select(o => o.Key));
        Assert.Equal(["b/"], (await _part.ListAsync(new("", "/"), Cancel)).Prefixes);
        var first = await _part.ListAsync(new("", Limit: 2), Cancel);
        Assert.Equal(["b/2", "c"], (await _part.ListAsync(new("", Continuation: first.Continuation, Limit: 2), Cancel)).Objects.Select(o => o.Key));
    }

    [Fact]
    public async Task Uploads_LieBelowThePrefix()
    {
        await _whole.CreateUploadAsync("k", Plain, Cancel);
        var upload = new UploadId("k", await _part.CreateUploadAsync("k", Plain, Cancel));
        Assert.Equal([upload], (await _part.ListUploadsAsync("", Cancel)).Select(u => u.Upload));
        await _part.PutAsync("from", Body, Plain, PutCondition.None, Cancel);
        var one = new UploadedPart(1, (await _part.CopyPartAsync("from", ByteRange.Of(1, 3), upload, 1, 0, Cancel))!, 3);
        Assert.Equal([one], await _part.ListPartsAsync(upload, Cancel));
        await _part.CompleteUploadAsync(upload, [one], Cancel);
        Assert.Equal(3, (await _whole.HeadAsync(Prefix + "k", Cancel))!.Size);
    }
}
