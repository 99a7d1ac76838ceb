using Pail.Io;
using Pail.OciLayout;
using Pail.Tests.Cli;
using Pail.Tests.Kit;

namespace Pail.Tests.Images;

public sealed class LocalFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    // EROFS: whoever may write the place today may not tomorrow either, so to try again is no use.
    [Fact]
    public void Error_ReadOnlyFileSystem_IsDenied() =>
        Assert.Equal(Failure.Denied, LocalFiles.Error("dir:x", new IOException("Read-only file system : 'x'", 30)).Failure);

    [Fact]
    [NeedsServers]
    public async Task Copy_NoFolderForTemporaryFiles_IsBadInput_NotAMissingImage()
    {
        await Copying.RunAsync(MemoryImage.Plain(), new OciLayoutSink(_folder["layout"], "1"));

        var pail = (await PailChild.RunAsync(["copy", "--compression", "zstd", $"oci:{_folder["layout"]}:1", $"dir:{_folder["dir"]}"], ("TMPDIR", _folder["nothing"]))).Ended(2);

        Assert.Contains("TMPDIR", pail.Error, StringComparison.Ordinal);
    }

    [Fact]
    [NeedsServers]
    public async Task Copy_StderrOnAFullDisk_IsDoneAllTheSame()
    {
        await Copying.RunAsync(MemoryImage.Plain(), new OciLayoutSink(_folder["layout"], "1"));

        (await Kit.Child.RunAsync("sh", ["-c", $"exec {Kit.BuiltPail.ShellCommand} copy oci:{_folder["layout"]}:1 dir:{_folder["dir"]} 2>/dev/full"])).Succeeded();

        MemoryImage.AssertSame(MemoryImage.Plain(), await Copying.ReadAsync(new Pail.Dir.DirSource(_folder["dir"])));
    }

    public void Dispose() => _folder.Dispose();
}
