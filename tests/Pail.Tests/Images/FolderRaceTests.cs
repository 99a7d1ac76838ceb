using Pail.Io;
using Pail.OciLayout;

namespace Pail.Tests.Images;

/// <summary>Folders and files that come and go while others use them.</summary>
[Trait("Needs", "Time")]
public sealed class FolderRaceTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lock_FolderIsRemovedAgainAndAgain_IsTakenEachTime()
    {
        var folder = _folder["come-and-go"];
        var taken = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(one => Task.Run(async () =>
        {
            for (var i = 0; i < 1500; i++)
            {
                var path = Path.Combine(folder, $"file-{one}");
                await using (await FileLock.OpenAsync(path, Cancel))
                    Folders.RemoveFile(path);
                Folders.RemoveIfEmpty(folder);
                Interlocked.Increment(ref taken);
            }
        })));
        Assert.Equal(6000, taken);
    }

    [Fact]
    public async Task Lock_FileIsRemovedByTheHolderBefore_IsOfTheFileThatIsThere()
    {
        var path = _folder["held"];
        var inside = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 500; i++)
            {
                await using var file = await FileLock.OpenAsync(path, Cancel);
                Assert.Equal(1, Interlocked.Increment(ref inside));
                Assert.True(File.Exists(path));
                Interlocked.Decrement(ref inside);
                Folders.RemoveFile(path);
            }
        })));
    }

    [Fact]
    public async Task Make_AFileIsInTheWay_FailsAtOnce()
    {
        await File.WriteAllTextAsync(_folder["file"], "", Cancel);
        Assert.ThrowsAny<IOException>(() => Folders.Make(_folder["file"]));
    }

    [Fact]
    public async Task Put_SameBlobsBySeveralWhoTidyUp_AllArrive()
    {
        var image = MemoryImage.Plain(layers: 12);
        for (var round = 0; round < 10; round++)
        {
            var layout = _folder[$"layout-{round}"];
            await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Task.Run(() => Copying.RunAsync(image, new OciLayoutSink(layout, $"t{n}"), Cancel), Cancel)));
            MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciLayoutSource(layout, "t3")));
            Assert.False(Directory.Exists(Path.Combine(layout, ".pail-partial")));
        }
    }

    public void Dispose() => _folder.Dispose();
}
