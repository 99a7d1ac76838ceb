using System.Text;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Docker;
using Pail.Remote;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Registries;
using Pail.Tests.Remote;
using Pail.Tests.S3;

namespace Pail.Tests.Matrix;

/// <summary>A bucket on RGW and Debian's docker-registry, for all tests of the matrix.</summary>
public sealed class MatrixServers : IAsyncLifetime
{
    private readonly RegistryKit _kit = new();

    internal DebianRegistry Debian { get; private set; } = null!;

    internal string Bucket { get; } = S3Server.NewName();

    /// <summary>A home in which clients find the login to the registry.</summary>
    internal TestFolder Home => _kit.Folder;

    internal RegistryOptions Options => _kit.Effective;

    public async ValueTask InitializeAsync()
    {
        Debian = await DebianRegistry.StartAsync();
        _kit.Options = new() { CaFile = Debian.Authorities };
        _kit.LogIn(Debian.Host, DebianRegistry.User, DebianRegistry.Password);
        using var store = S3Server.Ceph.Open(Bucket);
        await store.CreateBucketAsync(default);
    }

    public async ValueTask DisposeAsync()
    {
        await S3Server.Ceph.RemoveAsync(Bucket);
        await Debian.DisposeAsync();
        _kit.Dispose();
    }
}

/// <summary>Every place to every other where one of them is on a server or in an engine, every kind of image.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class ServerMatrixTests(MatrixServers servers) : IClassFixture<MatrixServers>, IAsyncLifetime
{
    private static readonly string[] Names = ["s3 v2", "s3 pool", "docker-registry", .. Engine.Names];

    private static readonly Dictionary<string, string> NoArtifactsNorSha512 = new(LocalPlaces.NoArtifacts) { ["sha512"] = "which Docker's containerd image store does not take" };

    private readonly LocalPlaces _local = new();
    private readonly string _case = $"{Guid.NewGuid():n}";
    private readonly List<IDisposable> _stores = [];

    public async ValueTask InitializeAsync() => await _local.StartAsync();

    public async ValueTask DisposeAsync()
    {
        _stores.ForEach(store => store.Dispose());
        await _local.DisposeAsync();
        foreach (var engine in Engine.Names.Select(Engine.Named))
            await new DockerCli(servers.Home, engine).RemoveAllAsync($"matrix/*-{_case}");
    }

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var from in LocalPlaces.Names.Concat(Names))
            foreach (var kind in CopyMatrix.Kinds)
                cases.Add(from, kind);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Copy_ToEveryPlace_KeepsWhatThatCanHold(string from, string kind) => CopyMatrix.CopyAsync(Find(from), Others(from), kind);

    [Theory]
    [InlineData("oci")]
    [InlineData("pail serve")]
    [InlineData("s3 v2")]
    [InlineData("s3 pool")]
    [InlineData("docker-registry")]
    public Task Copy_WithReferrers_BringsThemOrSaysWhyNot(string from) => CopyMatrix.CopyReferrersAsync(Find(from), Others(from));

    [Theory]
    [InlineData("plain")]
    [InlineData("index")]
    [InlineData("nested")]
    [InlineData("schema 2")]
    [InlineData("zstd")]
    [InlineData("sha512")]
    public async Task Copy_FromBucket_SkopeoSeesTheSameEverywhere(string kind)
    {
        var image = MemoryImage.Of(kind);
        await Copying.RunAsync(image, await Find("s3 v2").SinkAsync("first"));
        var raw = Encoding.UTF8.GetString(image.Root!.Bytes.Span);
        // In layouts, skopeo looks for OCI's own types alone; and the registry refuses sha512.
        foreach (var place in (string[])["pail serve", "docker-registry", "dir", "oci", "oci-archive"])
        {
            if ((kind, place) is ("schema 2", "oci" or "oci-archive") or ("sha512", "docker-registry"))
                continue;
            await Copying.RunAsync(await Find("s3 v2").SourceAsync("first"), await Find(place).SinkAsync("second"));
            var address = place switch
            {
                "pail serve" => $"docker://{_local.Host}/team/second:1",
                "docker-registry" => $"docker://{servers.Debian.Host}/team/second-{_case}:1",
                "dir" => $"dir:{_local.PathOf(place, "second")}",
                _ => $"{place}:{_local.PathOf(place, "second")}:1",
            };
            foreach (var machine in (Machine[])[Machine.Here, Machine.Debian13])
            {
                var seen = (await machine.RunAsync("/usr/bin/skopeo", ["inspect", "--raw", "--tls-verify=false", "--creds", $"{DebianRegistry.User}:{DebianRegistry.Password}", address])).Succeeded();
                Assert.Equal(raw, seen.Output);
            }
        }
    }

    // All where it comes from a server; else those alone, for the rest is told by LocalMatrixTests.
    private IEnumerable<Place> Others(string from) => (LocalPlaces.Names.Contains(from) ? Names : LocalPlaces.Names.Concat(Names)).Select(Find);

    private Place Find(string name) => name switch
    {
        "s3 v2" or "s3 pool" => LocalPlaces.Bucket(name, () => BucketAsync(name)),
        "docker-registry" => Named(_local.Registry(name, () => servers.Debian.Host, servers.Options), image => $"{image}-{_case}"),
        _ => Engine.Names.Contains(name) ? DockerDaemon(Engine.Named(name)) : _local.Find(name),
    };

    private Place DockerDaemon(Engine engine) => new(engine.Name,
        async image => new DockerDaemonSource(await engine.OpenAsync(), $"matrix/{image}-{_case}:1"),
        async image => new DockerDaemonSink(await engine.OpenAsync(), $"matrix/{image}-{_case}:1"))
    {
        HoldsAll = false,
        KeepsManifests = engine.KeepsImages,
        Refuses = engine.KeepsImages ? NoArtifactsNorSha512 : LocalPlaces.NoArtifacts,
        MayRefuse = new Dictionary<string, string> { ["zstd"] = "its layers are compressed with zstd" },
    };

    private static Place Named(Place place, Func<string, string> name) => new(place.ToString(), image => place.SourceAsync(name(image)), image => place.SinkAsync(name(image)))
    {
        HoldsReferrers = place.HoldsReferrers,
        FindsReferrers = place.FindsReferrers,
        // Distribution's sessions hash what they are sent with sha256 alone.
        Refuses = new Dictionary<string, string> { ["sha512"] = "seems to take no sha512 digests" },
    };

    private Task<Bucket> BucketAsync(string name)
    {
        var store = S3Server.Ceph.Open(servers.Bucket, $"{_case}/{name[3..]}/");
        _stores.Add(store);
        return BucketSetup.RunAsync(store, _local.Engine, BucketLayout.Of(name == "s3 pool" ? LayoutKind.Pool : LayoutKind.V2), null, default);
    }
}
