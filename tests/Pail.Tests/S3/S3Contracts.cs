using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.Stores;

namespace Pail.Tests.S3;

/// <summary>Ceph RGW, each test in a bucket of its own.</summary>
[NeedsServers]
public sealed class CephContract : S3Contract
{
    internal static readonly StoreTraits Ceph16 = new() { CompleteTellsETag = false, CompleteLeavesPartsOut = false };

    protected override StoreTraits Traits => Ceph16;

    private protected override S3Server Server => S3Server.Ceph;
}

/// <summary>Ceph RGW 18, likewise.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class Ceph18Contract : S3Contract
{
    protected override StoreTraits Traits { get; } = new() { CompleteAgainTellsETag = false, CompleteLeavesPartsOut = false };

    private protected override S3Server Server => S3Server.Ceph18;
}

/// <summary>OpenStack Swift's s3api.</summary>
[NeedsServers]
public sealed class SwiftContract : S3Contract
{
    // Its object server looks for the newest file of an object, then opens that: one replaced in between is not found.
    protected override StoreTraits Traits { get; } = new() { PutIfAbsent = false, PutIfMatch = false, ForgetsCompletedParts = false, IsThereWhileReplaced = false };

    private protected override S3Server Server => S3Server.Swift;
}

/// <summary>What the contract needs of a real S3 server.</summary>
public abstract class S3Contract : ObjectStoreContract
{
    private readonly string _bucket = S3Server.NewName();

    private protected abstract S3Server Server { get; }

    protected override async Task<IObjectStore> OpenEmptyAsync(RequestMeter meter)
    {
        await Server.ReadyAsync();
        using (var store = Server.Open(_bucket))
            Assert.True(await store.CreateBucketAsync(TestContext.Current.CancellationToken));
        return Server.Open(_bucket, meter: meter);
    }

    protected override Task<IObjectStore> OpenMissingAsync(RequestMeter meter) =>
        Task.FromResult<IObjectStore>(Server.Open(S3Server.NewName(), meter: meter));

    [Fact]
    public async Task Complete_TriedAgainAfterALostAnswer_Succeeds()
    {
        var upload = new UploadId("k", await Store.CreateUploadAsync("k", Plain, Cancel));
        var part = new UploadedPart(1, await Store.UploadPartAsync(upload, 1, 0, Bytes("part"), Cancel), 4);
        await Store.CompleteUploadAsync(upload, [part], Cancel);
        var etag = (await Store.HeadAsync("k", Cancel))!.ETag;
        Assert.Equal(Traits.CompleteAgainTellsETag ? etag : "", await Store.CompleteUploadAsync(upload, [part], Cancel));
    }

    [Fact]
    public async Task Complete_TriedAgainAfterAnAbort_Fails()
    {
        await PutAsync("k", "part");
        var upload = new UploadId("k", await Store.CreateUploadAsync("k", Plain, Cancel));
        var part = new UploadedPart(1, await Store.UploadPartAsync(upload, 1, 0, Bytes("part"), Cancel), 4);
        await Store.AbortUploadAsync(upload, Cancel);
        await FailsAsync(StoreError.NoSuchUpload, () => Store.CompleteUploadAsync(upload, [part], Cancel));
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        (Store as IDisposable)?.Dispose();
        await Server.RemoveAsync(_bucket);
    }
}
