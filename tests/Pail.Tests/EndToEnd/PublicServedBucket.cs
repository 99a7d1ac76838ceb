using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.EndToEnd;

/// <summary>A public bucket on RGW with <c>pail serve</c> before it: clients write through the server, and read from either.</summary>
public sealed class PublicServedBucket : IAsyncLifetime
{
    private PailServer? _server;

    /// <summary>The bucket.</summary>
    internal TestBucket Bucket { get; private set; } = null!;

    /// <summary>The server's host and port.</summary>
    public string Served => _server!.Host;

    /// <summary>The bucket's own host and port.</summary>
    public string Bare => Bucket.Registry;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Bucket = await TestBucket.TakeAsync();
        await PailCli.Direct.DoAsync("init", Bucket.Address, "--public");
        _server = await PailServer.StartAsync(PailCli.Direct, [Bucket.Address, "--log", "off"]);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        if (Bucket is not null)
            await Bucket.DisposeAsync();
    }
}
