using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Pail.Docker;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Proxy;
using Pail.Tests.Kit.Registries;
using Pail.Tests.Remote;

namespace Pail.Tests.EndToEnd;

/// <summary>What is sent again, and asked for, when an image is there already, or most of it. These numbers are promises.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class RepushTests : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private readonly S3Proxy _proxy = S3Proxy.Start();
    private TestBucket _bucket = null!;
    private Engine _engine = Engine.Docker;

    // Layer, config, manifest and tag go up; from an engine that keeps what was built, also the index with the provenance: a blob, a config and a manifest.
    private int OfASmallLayer => _engine.KeepsImages ? 8 : 4;

    public static TheoryData<string> EveryEngine { get; } = new(Engine.Names);

    [Theory]
    [MemberData(nameof(EveryEngine))]
    public async Task Push_FromEngine_SmallLayerChanged_SendsIt(string engine)
    {
        await InitAsync(engine);
        var docker = new DockerCli(_folder, _engine);
        var context = Context();
        await docker.BuildAsync(context, "repush:1");
        var first = await PushAsync("repush:1", "app:1");
        await File.WriteAllTextAsync(Path.Combine(context, "small"), "another", TestContext.Current.CancellationToken);
        await docker.BuildAsync(context, "repush:2");

        // From a second machine, as far as Pail can tell: its home is empty.
        var second = await PushAsync("repush:2", "app:2", Directory.CreateDirectory(_folder["home"]).FullName);

        Assert.True(first.Sent > 20 << 20, first.Told);
        Assert.True(second.Sent < 5000, second.Told);
        Assert.Equal(OfASmallLayer, second.Counts.A);
        // Settings, tag and manifest are looked for, both layers asked for, and the large one found.
        Assert.Equal(6, second.Counts.B);
        // Into another repository the store copies the large one: the small one is sent, or it would be asked for.
        var third = await PushAsync("repush:2", "other:2");
        Assert.True(third.Sent < 5000, third.Told);
        Assert.Single(third.Requests, request => request.Operation == StoreOperation.CopyObject);

        await new PailCli(TestEnvironment.S3, TestEnvironment.OtherDocker).DoAsync("pull", $"{_bucket.Address}/other:2", "docker-daemon:repushed:2");
        var there = new DockerCli(_folder, Engine.Other);
        Assert.Equal(await docker.ConfigDigestAsync("repush:2"), await there.ConfigDigestAsync("repushed:2"));
        await there.RemoveAsync("repushed:2");
        await docker.RemoveAsync("repush:1");
        await docker.RemoveAsync("repush:2");
    }

    [Theory]
    [MemberData(nameof(EveryEngine))]
    public async Task Push_FromEngine_SmallNewImageOfTwoBlobs_AtMost4AAnd4B(string engine)
    {
        await InitAsync(engine);
        await LoadAsync(layers: 1, "small:1");
        var pushed = await PushAsync("small:1", "app:1");
        Assert.True(pushed.Counts is { A: <= 4, B: <= 4 }, pushed.Told);
    }

    [Theory]
    [InlineData("docker", 1)]
    [InlineData("docker", 12)]
    [InlineData("docker 26", 12)]
    [InlineData("docker 26 containerd", 12)]
    public async Task Push_FromEngine_Unchanged_NoAAndAtMost2B(string engine, int layers)
    {
        await InitAsync(engine);
        await LoadAsync(layers, "same:1");
        await PushAsync("same:1", "app:1");
        var again = await PushAsync("same:1", "app:1", Directory.CreateDirectory(_folder["home"]).FullName);
        Assert.True(again.Counts is { A: 0, B: <= 2 }, again.Told);
    }

    [Theory]
    [MemberData(nameof(EveryEngine))]
    public async Task Push_FromDockerArchive_SavedByDocker_AsFromTheEngine(string engine)
    {
        await InitAsync(engine);
        var docker = new DockerCli(_folder, _engine);
        var context = Context();
        await docker.BuildAsync(context, "saved:1");
        await docker.SaveAsync("saved:1", _folder["1.tar"]);
        var first = await RunAsync("push", $"docker-archive:{_folder["1.tar"]}", $"{_bucket.Address}/app:1");
        Assert.True(first.Sent > 20 << 20, first.Told);
        // The same image, whichever way it comes.
        foreach (var source in (string[])["docker-daemon:saved:1", $"docker-archive:{_folder["1.tar"]}"])
        {
            var again = await RunAsync("push", source, $"{_bucket.Address}/app:1");
            Assert.True(again.Counts is { A: 0, B: <= 2 }, again.Told);
        }

        await File.WriteAllTextAsync(Path.Combine(context, "small"), "another", TestContext.Current.CancellationToken);
        await docker.BuildAsync(context, "saved:2");
        await docker.SaveAsync("saved:2", _folder["2.tar"]);
        var changed = await RunAsync("push", $"docker-archive:{_folder["2.tar"]}", $"{_bucket.Address}/app:2");
        Assert.True(changed.Sent < 5000, changed.Told);
        Assert.Equal((OfASmallLayer, 6), (changed.Counts.A, changed.Counts.B));
        await docker.RemoveAsync("saved:1");
        await docker.RemoveAsync("saved:2");
    }

    [Fact]
    public async Task Copy_BucketToBucket_Unchanged_AtMost2OfEach()
    {
        await InitAsync();
        await using var other = await TestBucket.TakeAsync();
        await new PailCli(_proxy.Endpoint).DoAsync("init", other.Address);
        var layout = new TestLayout(_folder["layout"]);
        layout.Tag(layout.Image(layers: 12));
        await RunAsync("push", layout.Address(), $"{_bucket.Address}/app:1");
        await RunAsync("copy", $"{_bucket.Address}/app:1", $"{other.Address}/app:1");

        var again = await RunAsync("copy", $"{_bucket.Address}/app:1", $"{other.Address}/app:1");

        Assert.True(again.Requests.All(request => request.IsClassB), again.Told);
        Assert.True(again.Requests.Count(request => request.Bucket == _bucket.Name) <= 2 && again.Requests.Count(request => request.Bucket == other.Name) <= 2, again.Told);
        Assert.Equal(0, again.Sent);
    }

    [Fact]
    public async Task Copy_EngineToRegistryToBucketAndLayout_Unchanged_AtMost2AtEachEnd()
    {
        using var kit = new RegistryKit();
        await using var registry = await DebianRegistry.StartAsync(open: _folder["registry"]);
        await using var gate = await TokenGate.StartAsync(new Uri($"http://{registry.Host}"));
        kit.LogIn(gate.Host, TokenGate.User, TokenGate.Password);
        await InitAsync();
        await LoadAsync(layers: 12, "registered:1");
        (string From, string To)[] ways =
        [
            ("docker-daemon:registered:1", $"docker://{gate.Host}/team/app:1"),
            ($"docker://{gate.Host}/team/app:1", $"{_bucket.Address}/app:1"),
            ($"docker://{gate.Host}/team/app:1", $"oci:{_folder["there"]}:1"),
        ];
        foreach (var (from, to) in ways)
        {
            await RunAsync(kit.Folder.Path, "copy", from, to);
            gate.Admitted.Clear();

            var again = await RunAsync(kit.Folder.Path, "copy", from, to);

            Assert.Equal(["GET /v2/team/app/manifests/1"], gate.Admitted);
            Assert.True(again.Counts is { A: 0, B: <= 2 }, again.Told);
            Assert.Equal(0, again.Sent);
        }
        await using var engine = new DockerDaemonSource(new DockerEngine(TestEnvironment.Docker), "registered:1");
        Assert.True((await Copying.RunAsync(engine, kit.Sink(gate.Host))).Unchanged);
        Assert.Equal(0, engine.BytesRead);
        await new DockerCli(_folder, Engine.Docker).RemoveAsync("registered:1");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Copy_CompressedOtherwise_UnchangedWritesNothing(bool index)
    {
        await InitAsync();
        await using var other = await TestBucket.TakeAsync();
        await new PailCli(_proxy.Endpoint).DoAsync("init", other.Address);
        var layout = new TestLayout(_folder["layout"]);
        // Large ones are remembered, those of 3 MB are sent before the manifest, and the small one with it.
        var image = layout.ImageOf(9 << 20, 3_000_000, 3_000_000, 1000);
        layout.Tag(index ? layout.AddIndex((image, "amd64"), (layout.Image(), "arm64")).Descriptor : image);
        string[] copy = ["copy", "--all", "--compression", "zstd", layout.Address(), $"{other.Address}/app:1"];
        Assert.True((await RunAsync(null, copy)).Sent > 14 << 20);
        await Wholeness.AssertAsync(other, "app");

        var again = await RunAsync(null, copy);

        Assert.Equal((0L, 0), (again.Sent, again.Counts.A));
        // Settings and tag; of an index, what is remembered of its large layer besides, and that it is there.
        Assert.Equal(index ? 4 : 2, again.Counts.B);
    }

    [Fact]
    public async Task Copy_WithinBucket_EachBlobIsCopiedByTheStore()
    {
        await InitAsync();
        var layout = new TestLayout(_folder["layout"]);
        layout.Tag(layout.Image(layers: 3));
        await RunAsync("push", layout.Address(), $"{_bucket.Address}/app:1");

        var copied = await RunAsync("copy", $"{_bucket.Address}/app:1", $"{_bucket.Address}/team/other:1");

        Assert.Equal((4, 0L), (copied.Requests.Count(request => request.Operation == StoreOperation.CopyObject), copied.Sent));
        Assert.Equal((6, 12), (copied.Counts.A, copied.Counts.B));
    }

    public async ValueTask InitializeAsync() => _bucket = await TestBucket.TakeAsync();

    public async ValueTask DisposeAsync()
    {
        await _bucket.DisposeAsync();
        await _proxy.DisposeAsync();
        _folder.Dispose();
    }

    private async Task InitAsync(string engine = "docker")
    {
        _engine = await Engine.OfAsync(engine);
        await new PailCli(_proxy.Endpoint).DoAsync("init", _bucket.Address);
    }

    private async Task LoadAsync(int layers, string name)
    {
        var layout = new TestLayout(_folder[Guid.NewGuid().ToString("n")]);
        layout.Tag(layout.Image(layers));
        await new PailCli(TestEnvironment.S3, _engine.Socket).DoAsync("copy", layout.Address(), $"docker-daemon:{name}");
    }

    private Task<Pushed> PushAsync(string image, string to, string? home = null) => RunAsync(home, "push", $"docker-daemon:{image}", $"{_bucket.Address}/{to}");

    private Task<Pushed> RunAsync(string verb, string from, string to) => RunAsync(null, verb, from, to);

    private async Task<Pushed> RunAsync(string? home, params string[] words)
    {
        _proxy.Take();
        var done = await new PailCli(_proxy.Endpoint, _engine.Socket, home).DoAsync([.. words, "--json"]);
        return new(_proxy.Take(), (long)JsonNode.Parse(done.Output)!["bytesSent"]!);
    }

    private string Context()
    {
        var context = Directory.CreateDirectory(_folder["context"]).FullName;
        File.WriteAllBytes(Path.Combine(context, "large"), RandomNumberGenerator.GetBytes(21 << 20));
        File.WriteAllText(Path.Combine(context, "small"), "one");
        File.WriteAllText(Path.Combine(context, "Dockerfile"), "FROM scratch\nCOPY large /large\nCOPY small /small\n");
        return context;
    }

    private sealed record Pushed(IReadOnlyList<S3Request> Requests, long Sent)
    {
        public S3Counts Counts => S3Counts.Of(Requests);

        public string Told => $"{Sent} bytes\n{string.Join('\n', Requests)}";
    }
}
