using Pail.Docker;
using Pail.Images;
using Pail.Tests.Images;

namespace Pail.Tests.Matrix;

/// <summary>Every place that needs no server to every other, every kind of image.</summary>
public sealed class LocalMatrixTests : IAsyncLifetime
{
    private readonly LocalPlaces _places = new();

    public async ValueTask InitializeAsync() => await _places.StartAsync();

    public ValueTask DisposeAsync() => _places.DisposeAsync();

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var from in LocalPlaces.Names)
            foreach (var kind in CopyMatrix.Kinds)
                cases.Add(from, kind);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Copy_ToEveryPlace_KeepsEveryByte(string from, string kind) => CopyMatrix.CopyAsync(_places.Find(from), _places.All, kind);

    [Theory]
    [InlineData("oci")]
    [InlineData("oci-archive")]
    [InlineData("dir")]
    [InlineData("docker-archive")]
    [InlineData("file v2")]
    [InlineData("file pool")]
    [InlineData("pail serve")]
    public Task Copy_WithReferrers_BringsThemOrSaysWhyNot(string from) => CopyMatrix.CopyReferrersAsync(_places.Find(from), _places.All);

    [Theory]
    [InlineData("oci")]
    [InlineData("oci-archive")]
    [InlineData("dir")]
    [InlineData("docker-archive")]
    [InlineData("file v2")]
    [InlineData("file pool")]
    [InlineData("pail serve")]
    public async Task Copy_ThroughAnEngineThatKeepsManifests_KeepsEveryByte(string place)
    {
        var image = MemoryImage.Plain();
        await PutAsync(image, await _places.Find(place).SinkAsync("first"));
        await using var engine = new FakeEngine { Makes = ("app:1", image.Root!.Config!.Digest.ToString()) };

        await PutAsync(await _places.Find(place).SourceAsync("first"), new DockerDaemonSink(engine.Client, "app:1"));
        engine.Saved[engine.Ids["app:1"]] = engine.Loaded!;
        await PutAsync(new DockerDaemonSource(engine.Client, "app:1"), await _places.Find(place).SinkAsync("second"));

        MemoryImage.AssertSame(image, await Copying.ReadAsync(await _places.Find(place).SourceAsync("second")));
    }

    private static async Task PutAsync(IImageSource source, IImageSink sink)
    {
        await using (source)
        await using (sink)
            await Copying.RunAsync(source, sink);
    }
}
