using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Dir;
using Pail.Docker;
using Pail.Images;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Remote;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit.Servers;
using Pail.Transfer;

namespace Pail.Tests.Matrix;

/// <summary>The places that need nothing started: files, folders, and a server of this process.</summary>
internal sealed class LocalPlaces : IAsyncDisposable
{
    private readonly TestFolder _folder = new();
    private TestServer? _server;

    public static readonly string[] Names = ["oci", "oci-archive", "dir", "docker-archive", "file v2", "file pool", "pail serve"];

    /// <summary>What places of engines can't hold.</summary>
    public static readonly Dictionary<string, string> NoArtifacts = new() { ["artifact"] = "this is an artifact (application/vnd.example.thing)" };

    public TransferEngine Engine { get; } = new(new TransferOptions());

    /// <summary>The host of the server.</summary>
    public string Host => _server!.Host;

    public async Task StartAsync()
    {
        var meter = new RequestMeter();
        Directory.CreateDirectory(_folder["server"]);
        _server = await TestServer.StartAsync(new FolderStore(_folder["server"], meter), meter, LayoutKind.V2);
    }

    /// <summary>The file or folder of an image.</summary>
    public string PathOf(string place, string image) => _folder[$"{place}-{image}".Replace(' ', '-')];

    public IEnumerable<Place> All => Names.Select(Find);

    public Place Find(string name) => name switch
    {
        "oci" => Of(name, path => new OciLayoutSource(path, "1"), path => new OciLayoutSink(path, "1"), referrers: (true, true)),
        "oci-archive" => Of(name, path => new OciArchiveSource(path, "1"), path => new OciArchiveSink(path, "1"), referrers: (false, true)),
        "dir" => Of(name, path => new DirSource(path), path => new DirSink(path)),
        "docker-archive" => new(name,
            image => Task.FromResult<IImageSource>(new DockerArchiveSource(PathOf(name, image), "app:1")),
            image => Task.FromResult<IImageSink>(new DockerArchiveSink(PathOf(name, image), "app:1"))) { HoldsAll = false, Refuses = NoArtifacts },
        "pail serve" => Registry(name, () => Host, new() { Variable = _ => null }),
        _ => Bucket(name, async () => await BucketAsync(name)),
    };

    /// <summary>A registry.</summary>
    public Place Registry(string name, Func<string> host, RegistryOptions options) => new(name,
        image => Task.FromResult<IImageSource>(new RegistrySource(host(), RepositoryName.Parse($"team/{image}"), Reference.Parse("1"), new RegistryClients(options, Engine))),
        image => Task.FromResult<IImageSink>(new RegistrySink(host(), RepositoryName.Parse($"team/{image}"), Reference.Parse("1"), new RegistryClients(options, Engine)))) { HoldsReferrers = true, FindsReferrers = true };

    /// <summary>A bucket.</summary>
    public static Place Bucket(string name, Func<Task<Bucket>> open) => new(name,
        async image => new BucketSource((await open()).Repository(RepositoryName.Parse($"team/{image}")), Reference.Parse("1")),
        async image => new BucketSink((await open()).Repository(RepositoryName.Parse($"team/{image}")), Reference.Parse("1"))) { HoldsReferrers = true, FindsReferrers = true };

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Dispose();
    }

    private Place Of(string name, Func<string, IImageSource> source, Func<string, IImageSink> sink, (bool Holds, bool Finds) referrers = default) =>
        new(name, image => Task.FromResult(source(PathOf(name, image))), image => Task.FromResult(sink(PathOf(name, image)))) { HoldsReferrers = referrers.Holds, FindsReferrers = referrers.Finds };

    private Task<Bucket> BucketAsync(string name)
    {
        Directory.CreateDirectory(PathOf(name, "bucket"));
        return BucketSetup.RunAsync(new FolderStore(PathOf(name, "bucket"), new RequestMeter()), Engine, BucketLayout.Of(name == "file pool" ? LayoutKind.Pool : LayoutKind.V2), null, default);
    }
}
