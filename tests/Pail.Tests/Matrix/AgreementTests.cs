using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Copy;
using Pail.Docker;
using Pail.Images;
using Pail.Oci;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;
using Pail.Tests.Remote;
using Pail.Tests.S3;

namespace Pail.Tests.Matrix;

/// <summary>What Pail puts somewhere is for docker and podman, wherever they can read it themselves, the image it was.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class AgreementTests(MatrixServers servers) : IClassFixture<MatrixServers>, IAsyncLifetime
{
    // What some versions can't pull from anywhere, and how they say so.
    private static readonly Dictionary<(string Client, string Kind), string> MayRefuse = new()
    {
        [("docker", "nested")] = "no matching manifest",
        [("docker", "zstd")] = "invalid tar header",
        [("podman", "nested")] = "Unexpectedly received a manifest list",
    };

    private static readonly string[] Kinds = ["plain", "index", "nested", "schema 2", "zstd"];

    private readonly LocalPlaces _local = new();
    private readonly string _case = $"agree/{Guid.NewGuid():n}";
    private S3Store _store = null!;
    private TestServer _server = null!;

    public static TheoryData<string, string> EveryEngineAndImage { get; } = new(from engine in Engine.Names from kind in Kinds select (engine, kind));

    public static TheoryData<string, string> EveryPodmanAndImage { get; } = new(from client in (string[])["podman", "podman 5"] from kind in Kinds select (client, kind));

    public async ValueTask InitializeAsync()
    {
        await _local.StartAsync();
        var meter = new RequestMeter();
        _store = S3Server.Ceph.Open(servers.Bucket, $"{_case}/", meter);
        _server = await TestServer.StartAsync(_store, meter, LayoutKind.V2);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _store.Dispose();
        await _local.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(EveryEngineAndImage))]
    public async Task Docker_SaysOfEachPlaceThatItIsTheImage(string client, string kind)
    {
        var engine = await Engine.OfAsync(client);
        var image = await PutAsync(kind);
        var config = await ConfigOfAsync(image);
        var docker = new DockerCli(servers.Home, engine);
        foreach (var host in (string[])[servers.Debian.Host, _server.Host])
        {
            var name = await CopyToAsync(host);
            if (IsRefused(client, kind, await docker.TryPullAsync($"{name}:1")))
                continue;
            Assert.Equal(config, await docker.ConfigDigestAsync($"{name}:1"));
            Assert.Equal([$"{name}@{image.Root!.Digest}"], await docker.RepoDigestsAsync($"{name}:1"));
            await docker.RemoveAsync($"{name}:1");
        }
        if (kind == "zstd")
            return;

        await CopyAsync(new DockerArchiveSink(_local.PathOf("saved", "image"), $"{_case}:1"));
        await docker.LoadAsync(_local.PathOf("saved", "image"));
        Assert.Equal(config, await docker.ConfigDigestAsync($"{_case}:1"));
        await docker.RemoveAsync($"{_case}:1");

        await CopyAsync(new DockerDaemonSink(new DockerEngine(engine.Socket), $"{_case}:1"));
        Assert.Equal(config, await docker.ConfigDigestAsync($"{_case}:1"));
        await docker.RemoveAsync($"{_case}:1");
    }

    [Theory]
    [MemberData(nameof(EveryPodmanAndImage))]
    public async Task Podman_SaysOfEachPlaceThatItIsTheImage(string client, string kind)
    {
        var image = await PutAsync(kind);
        var config = await ConfigOfAsync(image);
        var addresses = new List<(string Address, string Directory)>();
        foreach (var host in (string[])[servers.Debian.Host, _server.Host])
            addresses.Add(($"docker://{await CopyToAsync(host)}:1", "/"));
        // In layouts, podman looks for OCI's own types alone.
        foreach (var place in kind == "schema 2" ? (string[])["dir"] : ["dir", "oci", "oci-archive"])
        {
            await CopyAsync(await _local.Find(place).SinkAsync("image"));
            var path = _local.PathOf(place, "image");
            addresses.Add(($"{place}:{Path.GetFileName(path)}{(place == "dir" ? "" : ":1")}", Path.GetDirectoryName(path)!));
        }
        foreach (var (address, directory) in addresses)
        {
            // With nothing in its storage, so that it reads all there is.
            using var home = Home();
            var podman = (Podman)ContainerClient.Of(client, home);
            var pulled = await podman.TryPullAsync(address, directory);
            if (IsRefused(client, kind, pulled))
                continue;
            Assert.Equal(config, $"sha256:{pulled.Output.Trim()}");
            Assert.Equal(image.Root!.Digest.ToString(), await podman.DigestAsync(pulled.Output.Trim()));
            // What comes from a directory has no name.
            if (address.StartsWith("docker://", StringComparison.Ordinal))
                Assert.Contains($"{address["docker://".Length..^":1".Length]}@{image.Root.Digest}", await podman.RepoDigestsAsync(pulled.Output.Trim()));
        }
        await CopyAsync(await _local.Find("docker-archive").SinkAsync("image"));
        using var last = Home();
        Assert.Equal(config, $"sha256:{(await ((Podman)ContainerClient.Of(client, last)).TryPullAsync($"docker-archive:{_local.PathOf("docker-archive", "image")}", "/")).Succeeded().Output.Trim()}");
    }

    private static bool IsRefused(string client, string kind, Finished pulled)
    {
        if (pulled.ExitCode == 0 || !MayRefuse.TryGetValue((client.Split(' ')[0], kind), out var says))
            return pulled.Succeeded() is null;
        Assert.Contains(says, pulled.Error, StringComparison.Ordinal);
        return true;
    }

    private TestFolder Home()
    {
        var home = new TestFolder();
        Directory.CreateDirectory(home[".docker"]);
        File.Copy(servers.Home[".docker/config.json"], home[".docker/config.json"]);
        return home;
    }

    private async Task<MemoryImage> PutAsync(string kind)
    {
        var image = MemoryImage.Of(kind);
        await RegistryKit.CopyAsync(image, Sink("first"));
        return image;
    }

    // The image of an index that runs here has the only config that an engine shows.
    private static async Task<string> ConfigOfAsync(MemoryImage image) =>
        (await PlatformChoice.ChooseAsync(image, image.Root!, new MemoryImage { HoldsIndexes = false }, new CopyOptions(), default)).Config!.Digest.ToString();

    // To the registry; behind the server it is already.
    private async Task<string> CopyToAsync(string host)
    {
        if (host != servers.Debian.Host)
            return $"{host}/first";
        await CopyAsync(await _local.Registry("docker-registry", () => host, servers.Options).SinkAsync(_case));
        return $"{host}/team/{_case}";
    }

    private Task<CopyResult> CopyAsync(IImageSink sink) => RegistryKit.CopyAsync(new BucketSource(Bucket.Repository(RepositoryName.Parse("first")), Reference.Parse("1")), sink);

    private BucketSink Sink(string repository) => new(Bucket.Repository(RepositoryName.Parse(repository)), Reference.Parse("1"));

    private Bucket Bucket => new(_store, _local.Engine, new BucketSettings(LayoutKind.V2, Public: false));
}
