using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Oci;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.S3;
using Pail.Tests.Transfer;
using Pail.Transfer;

namespace Pail.Tests.Buckets;

/// <summary>Very large blobs, copied by the store from one bucket to another, on Ceph RGW.</summary>
[NeedsServers]
public sealed class BucketOriginTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;

    private static readonly RepositoryName App = RepositoryName.Parse("app");
    private static readonly RepositoryName Other = RepositoryName.Parse("team/other");

    private readonly string[] _buckets = [S3Server.NewName(), S3Server.NewName()];
    private readonly RequestMeter _meter = new();
    private readonly TransferEngine _engine = new(new TransferOptions { SingleCopyLimit = 24 * MiB });
    private S3Store[] _stores = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _stores = [.. _buckets.Select(bucket => S3Server.Ceph.Open(bucket, meter: _meter))];
        foreach (var store in _stores)
            await store.CreateBucketAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
            store.Dispose();
        foreach (var bucket in _buckets)
            await S3Server.Ceph.RemoveAsync(bucket);
    }

    [Theory]
    [InlineData(LayoutKind.V2, LayoutKind.Pool)]
    [InlineData(LayoutKind.Pool, LayoutKind.V2)]
    public async Task PutBlob_LargeOneOfAnotherBucket_IsCopiedByRangesAndRemembered(LayoutKind from, LayoutKind to)
    {
        var (origin, target) = (new Bucket(_stores[0], _engine, new(from, false)), new Bucket(_stores[1], _engine, new(to, false)));
        var content = new TestBlob(40 * MiB);
        var blob = content.Descriptor;
        await origin.Repository(App).Blobs.PutAsync(blob, content.Open, NoProgress.Instance, cancel: Cancel);
        var expected = new RequestMeter();
        var bucket = new CrossBucketCopy(origin, App, target);
        var dry = new Bucket(new DryRunStore(_stores[1], expected), _engine, target.Settings);
        Assert.Equal(BlobOutcome.Copied, await dry.Repository(Other).Blobs.PutAsync(blob, (_, _) => throw new InvalidOperationException("It was read."), NoProgress.Instance, origin: new CrossBucketCopy(origin, App, dry), cancel: Cancel));
        Assert.Equal(40 * MiB, (await dry.Repository(Other).Blobs.FindAsync(blob.Digest, Cancel))!.Size);
        Assert.Null(await target.Repository(Other).Blobs.FindAsync(blob.Digest, Cancel));

        var scope = _meter.BeginScope();
        Assert.Equal(BlobOutcome.Copied, await target.Repository(Other).Blobs.PutAsync(blob, (_, _) => throw new InvalidOperationException("It was read."), NoProgress.Instance, origin: bucket, cancel: Cancel));

        Assert.Equal(7, scope.Counts[StoreOperation.UploadPartCopy]);
        // Whose the other bucket is, a dry run asks the store as well.
        Assert.Equal(expected.ClassA, scope.ClassA - scope.Counts[StoreOperation.ListBuckets]);
        await using var copied = target.Repository(Other).Blobs.Open(blob, 0);
        Assert.Equal(blob.Digest, Digest.FromHash(DigestAlgorithm.Sha256, await System.Security.Cryptography.SHA256.HashDataAsync(copied, Cancel)));
        // In a third repository it is found without being told where it is.
        Assert.Equal(to == LayoutKind.V2 ? BlobOutcome.Copied : BlobOutcome.Existed, await target.Repository(App).Blobs.PutAsync(blob, content.Open, NoProgress.Instance, cancel: Cancel));
    }
}
