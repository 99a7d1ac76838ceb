using Pail.Images;
using Pail.Images.Docker;
using Pail.Images.OciLayouts;
using Pail.Images.Registries;
using Pail.Layouts;
using Pail.Oci;
using Pail.Registry;
using Pail.Stores;
using Pail.Tests.Server;
using Pail.Transfer;

namespace Pail.Tests.Images;

/// <summary>Every medium to every other: what arrives is what left, byte for byte.</summary>
public sealed class RoundTripTests : IAsyncDisposable
{
    private readonly TestFolder _folder = new();
    private readonly TransferEngine _engine = new(new TransferOptions());
    private TestServer? _server;

    private static readonly string[] Media = ["oci", "oci-archive", "v2 bucket", "pool bucket", "registry"];

    public static TheoryData<string, string, string> Pairs()
    {
        var pairs = new TheoryData<string, string, string>();
        foreach (var from in Media)
            foreach (var to in Media)
                foreach (var kind in new[] { "plain", "sha512", "nested", "artifact" })
                    pairs.Add(from, to, kind);
        return pairs;
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Copy_FromOneMediumToAnother_KeepsEveryByte(string from, string to, string kind)
    {
        var image = RandomImage.Of(kind);
        await PutAsync(image, await SinkAsync(from, "first"));
        await PutAsync(await SourceAsync(from, "first"), await SinkAsync(to, "second"));

        MemoryImage.AssertSame(image, await Copying.ReadAsync(await SourceAsync(to, "second")));
        Assert.True((await PutAsync(image, await SinkAsync(to, "second"))).Unchanged);
    }

    [Theory]
    [InlineData("oci")]
    [InlineData("oci-archive")]
    [InlineData("v2 bucket")]
    [InlineData("pool bucket")]
    [InlineData("registry")]
    public async Task Copy_ThroughTheDockerEngine_KeepsEveryByte(string medium)
    {
        var image = RandomImage.Plain();
        await PutAsync(image, await SinkAsync(medium, "first"));
        await using var engine = new FakeEngine { Makes = ("app:1", image.Root!.Config!.Digest.ToString()) };

        await PutAsync(await SourceAsync(medium, "first"), new DockerDaemonSink(engine.Client, "app:1"));
        engine.Saved[engine.Ids["app:1"]] = engine.Loaded!;
        await PutAsync(new DockerDaemonSource(engine.Client, "app:1"), await SinkAsync(medium, "second"));

        MemoryImage.AssertSame(image, await Copying.ReadAsync(await SourceAsync(medium, "second")));
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<CopyResult> PutAsync(IImageSource source, IImageSink sink)
    {
        await using (source)
        await using (sink)
            return await Copying.RunAsync(source, sink);
    }

    private async Task<IImageSource> SourceAsync(string medium, string name) => medium switch
    {
        "oci" => new OciLayoutSource(_folder[name], "1"),
        "oci-archive" => new OciArchiveSource(_folder[name], "1"),
        "registry" => new RegistrySource((await ServerAsync()).Address.Authority, RepositoryName.Parse($"team/{name}"), Reference.Parse("1"), NoLogins, _engine),
        _ => new BucketSource(await BucketAsync(medium, name), RepositoryName.Parse("team/app"), Reference.Parse("1")),
    };

    private async Task<IImageSink> SinkAsync(string medium, string name) => medium switch
    {
        "oci" => new OciLayoutSink(_folder[name], "1"),
        "oci-archive" => new OciArchiveSink(_folder[name], "1"),
        "registry" => new RegistrySink((await ServerAsync()).Address.Authority, RepositoryName.Parse($"team/{name}"), Reference.Parse("1"), NoLogins, _engine),
        _ => new BucketSink(await BucketAsync(medium, name), RepositoryName.Parse("team/app"), Reference.Parse("1")),
    };

    private static RegistryOptions NoLogins => new() { Variable = _ => null };

    private async Task<TestServer> ServerAsync()
    {
        if (_server is null)
        {
            var meter = new RequestMeter();
            Directory.CreateDirectory(_folder["server"]);
            _server = await TestServer.StartAsync(new FolderStore(_folder["server"], meter), meter, LayoutKind.V2);
        }
        return _server;
    }

    private Task<BucketRegistry> BucketAsync(string medium, string name)
    {
        Directory.CreateDirectory(_folder[name]);
        return BucketRegistry.InitAsync(new FolderStore(_folder[name], new RequestMeter()), _engine, medium == "pool bucket" ? LayoutKind.Pool : LayoutKind.V2, null, default);
    }
}
