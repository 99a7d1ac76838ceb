using Pail.Buckets.Layouts;
using Pail.Server;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.Server;

/// <summary>An empty bucket for one test.</summary>
internal interface ITestBucket
{
    /// <summary>Makes it.</summary>
    Task<IObjectStore> CreateAsync(RequestMeter meter);

    Task RemoveAsync();
}

/// <summary>A local folder.</summary>
internal sealed class FolderBucket : ITestBucket
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("pail-server-").FullName;

    public Task<IObjectStore> CreateAsync(RequestMeter meter) => Task.FromResult<IObjectStore>(new FolderStore(Folder, meter));

    public Task RemoveAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return Task.CompletedTask;
    }
}

/// <summary>A bucket of Ceph RGW.</summary>
internal sealed class CephBucket : ITestBucket
{
    private readonly string _name = S3Server.NewName();
    private Pail.S3.S3Store? _store;

    public async Task<IObjectStore> CreateAsync(RequestMeter meter)
    {
        var store = S3Server.Ceph.Open(_name, meter: meter);
        _store = store;
        await store.CreateBucketAsync(TestContext.Current.CancellationToken);
        // As opening a registry does: the first answer shows that the bucket is there.
        await store.ListAsync(new ListQuery("", Limit: 1), TestContext.Current.CancellationToken);
        return store;
    }

    public async Task RemoveAsync()
    {
        _store?.Dispose();
        await S3Server.Ceph.RemoveAsync(_name);
    }
}

/// <summary>Tests of servers over one bucket.</summary>
public abstract class ServerTests : IAsyncLifetime
{
    private TestServer? _server;

    private protected const string App = "team/app";

    private protected ServerTests(object bucket) => Bucket = (ITestBucket)bucket;

    private protected ITestBucket Bucket { get; }

    private protected TestServer Server => _server!;

    private protected RequestMeter Meter { get; } = new();

    private protected IObjectStore Store { get; private set; } = null!;

    private protected virtual LayoutKind Layout => LayoutKind.V2;

    private protected virtual ServerOptions Configure(ServerOptions options) => options;

    /// <summary>Another server over the same bucket.</summary>
    private protected Task<TestServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null, TimeProvider? time = null) =>
        TestServer.StartAsync(Store, Meter, Layout, options => (change ?? (same => same))(Configure(options)), time);

    public async ValueTask InitializeAsync()
    {
        Store = await Bucket.CreateAsync(Meter);
        _server = await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_server is not null)
            await _server.DisposeAsync();
        await Bucket.RemoveAsync();
    }
}
