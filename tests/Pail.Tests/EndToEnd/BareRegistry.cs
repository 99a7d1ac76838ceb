using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.EndToEnd;

/// <summary>A public bucket served without any program of ours, holding an image of each kind, pushed by <c>pail</c> once for all tests of a class.</summary>
public abstract class BareRegistry : IAsyncLifetime
{
    private readonly Dictionary<string, (TestLayout Layout, Descriptor Root)> _images = [];

    /// <summary>Where clients find it.</summary>
    public abstract string Host { get; }

    /// <summary>The bucket's address.</summary>
    public abstract string Address { get; }

    /// <summary>What a repository's name is added to.</summary>
    protected abstract string Prefix { get; }

    /// <summary>The program that writes to it.</summary>
    private protected virtual PailCli Pail => PailCli.Direct;

    /// <summary>A folder of this fixture.</summary>
    protected TestFolder Folder { get; } = new();

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        await StartAsync();
        await PushAsync("one", layout => layout.Image());
        await PushAsync("twelve", layout => layout.Image(layers: 12));
        await PushAsync("runnable", layout => layout.Runnable());
        await PushAsync("two", layout => layout.TwoPlatforms());
        await PushAsync("artifact", layout => layout.Artifact());
    }

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        Folder.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The name clients pull an image of this kind by.</summary>
    public string Reference(string kind) => $"{Host}/team/app:{kind}";

    /// <summary>What was pushed.</summary>
    internal (TestLayout Layout, Descriptor Root) Image(string kind) => _images[kind];

    /// <summary>The config this machine gets of an image.</summary>
    internal Digest Config(string kind)
    {
        var (layout, root) = _images[kind];
        var manifest = layout.Read(root);
        if (manifest.IsIndex)
            manifest = layout.Read(manifest.Manifests.Single(item => item.Platform!.Architecture == ImageBytes.Architecture));
        return manifest.Config!.Digest;
    }

    /// <summary>Pushes an image under its kind as the tag.</summary>
    internal async Task PushAsync(string kind, Func<TestLayout, Descriptor> make)
    {
        var layout = new TestLayout(Folder[kind]);
        _images[kind] = (layout, layout.Tag(make(layout)));
        await Pail.DoAsync("push", layout.Address(), $"{Prefix}team/app:{kind}");
    }

    /// <summary>Asserts that a client pulls an image of this kind as it was pushed.</summary>
    internal async Task AssertPullsAsync(ContainerClient client, string kind)
    {
        var reference = Reference(kind);
        await client.PullAsync(reference);
        Assert.Equal(Config(kind).ToString(), await client.ConfigDigestAsync(reference));
        await client.RemoveAsync(reference);
    }

    /// <summary>Makes the bucket and lets it be served.</summary>
    protected abstract Task StartAsync();
}

/// <summary>A bucket on the RGW of this machine.</summary>
public sealed class Rgw16Registry() : RgwRegistry(Machine.Here, () => TestEnvironment.S3);

/// <summary>A bucket on that of Debian 13.</summary>
public sealed class Rgw18Registry() : RgwRegistry(Machine.Debian13, () => TestEnvironment.S3OfDebian13);

/// <summary>A bucket on an RGW, which serves it itself.</summary>
public abstract class RgwRegistry : BareRegistry
{
    private readonly Machine _machine;
    private readonly Func<Uri> _server;
    private TestBucket? _bucket;

    private protected RgwRegistry(Machine machine, Func<Uri> server) => (_machine, _server) = (machine, server);

    /// <inheritdoc/>
    public override string Host => _bucket!.Registry;

    /// <inheritdoc/>
    private protected override PailCli Pail => new(_server());

    /// <inheritdoc/>
    public override string Address => _bucket!.Address;

    /// <inheritdoc/>
    protected override string Prefix => _bucket!.Address + "/";

    /// <inheritdoc/>
    protected override async Task StartAsync()
    {
        await _machine.ReadyAsync();
        _bucket = await TestBucket.TakeAsync(_server());
        await Pail.DoAsync("init", _bucket.Address, "--public");
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (_bucket is not null)
            await _bucket.DisposeAsync();
        await base.DisposeAsync();
    }
}

/// <summary>A bucket in a folder, served by nginx as it lies.</summary>
public sealed class NginxRegistry : BareRegistry
{
    private readonly int _port = PailServer.FreePort();

    /// <inheritdoc/>
    public override string Host => $"127.0.0.1:{_port}";

    /// <inheritdoc/>
    public override string Address => $"file:{Folder["bucket"]}";

    /// <inheritdoc/>
    protected override string Prefix => Address + "//";

    /// <inheritdoc/>
    protected override async Task StartAsync()
    {
        await PailCli.Direct.DoAsync("init", Address, "--public");
        await NginxAsync("start");
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await NginxAsync("wipe");
        await base.DisposeAsync();
    }

    private async Task NginxAsync(string command) =>
        (await Child.RunAsync(Path.Combine(TestEnvironment.Sources, "eng", "nginx-folder"), [command], new Dictionary<string, string?>
        {
            ["FOLDER"] = Folder["bucket"],
            ["NGINX_DIR"] = Folder["nginx"],
            ["NGINX_PORT"] = $"{_port}",
        })).Succeeded();
}
