using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.S3;

namespace Pail.Tests.Buckets;

/// <summary>The registry over Ceph RGW.</summary>
[NeedsServers]
public sealed class CephRegistryTests : S3RegistryTests
{
    private protected override S3Server Server => S3Server.Ceph;
}

/// <summary>The registry over Swift's s3api, which has no conditional writes.</summary>
[NeedsServers]
public sealed class SwiftRegistryTests : S3RegistryTests
{
    private protected override S3Server Server => S3Server.Swift;

    private protected override bool WritesConditionally => false;

    // Tags and catalog are made of what the bucket lists, and read again.
    private protected override (long A, long B) PublicPushCost => (11, 13);
}

/// <summary>The registry over a real S3 server.</summary>
public abstract class S3RegistryTests : RegistryContract, IAsyncDisposable
{
    private readonly List<string> _buckets = [];
    private readonly List<IDisposable> _stores = [];

    private protected abstract S3Server Server { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _stores.ForEach(store => store.Dispose());
        foreach (var bucket in _buckets)
            await Server.RemoveAsync(bucket);
    }

    private protected override async Task<IObjectStore> NewBucketAsync()
    {
        _buckets.Add(S3Server.NewName());
        using (var store = Server.Open(_buckets[^1]))
            await store.CreateBucketAsync(CancellationToken.None);
        var opened = Server.Open(_buckets[^1], meter: Meter);
        _stores.Add(opened);
        return opened;
    }
}
