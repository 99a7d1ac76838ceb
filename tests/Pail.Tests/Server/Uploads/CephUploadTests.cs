using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.S3;

namespace Pail.Tests.Server.Uploads;

/// <summary>Uploads to a real S3 server, whose requests are counted as they leave.</summary>
[NeedsServers]
public sealed class CephUploadTests : UploadContract
{
    private readonly string _bucket = S3Server.NewName();
    private S3Store? _store;

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _store?.Dispose();
        await S3Server.Ceph.RemoveAsync(_bucket);
    }

    private protected override async Task<IObjectStore> NewBucketAsync()
    {
        using (var admin = S3Server.Ceph.Open(_bucket))
            await admin.CreateBucketAsync(TestContext.Current.CancellationToken);
        return _store = S3Server.Ceph.Open(_bucket, meter: Meter);
    }
}
