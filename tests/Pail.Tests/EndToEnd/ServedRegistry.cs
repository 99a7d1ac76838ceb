using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.EndToEnd;

/// <summary>A bucket behind <c>pail serve</c>, for all tests of a class.</summary>
public abstract class ServedRegistry(params string[] options) : IAsyncLifetime
{
    private PailServer? _server;

    /// <summary>The server's host and port.</summary>
    public string Host => _server!.Host;

    /// <summary>Where the server is.</summary>
    public Uri Address => _server!.Address;

    /// <summary>The bucket's address.</summary>
    public abstract string Bucket { get; }

    /// <summary>What a repository's name is added to, for its address in the bucket.</summary>
    public abstract string Prefix { get; }

    /// <inheritdoc/>
    public virtual async ValueTask InitializeAsync() => _server = await PailServer.StartAsync(PailCli.Direct, [Bucket, "--log", "off", .. options]);

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_server is null)
            return;
        await _server.StopAsync();
        await _server.DisposeAsync();
    }
}

/// <summary>A bucket on RGW.</summary>
public abstract class ServedRgw(params string[] options) : ServedRegistry(options)
{
    private readonly string _name = S3Server.NewName();

    /// <inheritdoc/>
    public override string Bucket => $"s3://{_name}";

    /// <inheritdoc/>
    public override string Prefix => Bucket + "/";

    /// <inheritdoc/>
    public override async ValueTask InitializeAsync()
    {
        await PailCli.Direct.DoAsync("init", Bucket);
        await base.InitializeAsync();
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_name);
    }
}

/// <summary>Blobs come from RGW itself.</summary>
public sealed class RedirectingRgw() : ServedRgw;

/// <summary>Blobs come through the server.</summary>
public sealed class StreamingRgw() : ServedRgw("--no-redirect");

/// <summary>A bucket in a folder.</summary>
public sealed class ServedFolder() : ServedRegistry
{
    private readonly TestFolder _folder = new();

    /// <inheritdoc/>
    public override string Bucket => $"file:{_folder.Path}";

    /// <inheritdoc/>
    public override string Prefix => Bucket + "//";

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
