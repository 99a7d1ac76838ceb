using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Places;

/// <summary>The programs of <c>samples/</c>, as built with the tests.</summary>
[NeedsServers]
public sealed class SampleTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly TestLayout _layout;

    public SampleTests()
    {
        _layout = new TestLayout(_folder["layout"]);
        Directory.CreateDirectory(_folder["bucket"]);
        _layout.Tag(_layout.Image(layers: 2), "1");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task PushAndTags_IntoAFolder_ListWhatWasPushed()
    {
        var pushed = (await RunAsync("Push", _layout.Address(), $"file:{_folder["bucket"]}//app:7")).Succeeded();
        Assert.Equal($"{_layout.Root.Digest}: 3 blobs sent, 0 were there.\n", pushed.Output);
        Assert.Equal("7\n", (await RunAsync("Tags", $"file:{_folder["bucket"]}//app")).Succeeded().Output);
    }

    [Fact]
    public async Task Progress_OfACopy_EndsWithEveryBlob()
    {
        var copied = (await RunAsync("Progress", _layout.Address(), $"file:{_folder["bucket"]}//app")).Succeeded();
        Assert.StartsWith(_layout.Root.Digest.ToString(), copied.Output, StringComparison.Ordinal);
        Assert.Contains("3 of 3 blobs", copied.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_OfWhatIsNotThere_SaysSoInOneLine()
    {
        var failed = (await RunAsync("Progress", $"oci:{_folder["nothing"]}", $"file:{_folder["bucket"]}//app")).Ended(1);
        Assert.Single(failed.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task ToyStore_ByItself_IsReadAndWritten() =>
        Assert.StartsWith("toy://shelf/app:1\n", (await RunAsync("ToyStore", _layout.Address())).Succeeded().Output, StringComparison.Ordinal);

    private static Task<Finished> RunAsync(string sample, params string[] arguments) => Child.RunAsync(
        "dotnet", [Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", sample, Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), $"{sample}.dll")), .. arguments]);
}
