using Pail.Oci;
using Pail.OciLayout;
using Pail.Places;
using Pail.Tests.Cli;
using Pail.Tests.Images;

namespace Pail.Tests.Places;

/// <summary>Addresses that could mean two things: never another place than the one meant, with exit code 0.</summary>
public sealed class OddAddressTests : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private readonly MemoryImage _image = MemoryImage.Plain();

    public async ValueTask InitializeAsync()
    {
        await Copying.RunAsync(_image, new OciLayoutSink(_folder["from"], "1"));
        Directory.CreateDirectory(_folder["b:1"]);
    }

    [Theory]
    [InlineData("oci-archive:FOLDER/b:1/x.tar", "the folder FOLDER/b:1 does")]
    [InlineData("oci-archive:FOLDER/b:1/x.tar:t", "the folder FOLDER/b:1 does")]
    [InlineData("oci:FOLDER/b:1/lay", "the folder FOLDER/b:1 does")]
    [InlineData("oci:FOLDER/b:1/lay:t", "the folder FOLDER/b:1 does")]
    [InlineData("docker-archive:FOLDER/b:1/x.tar", "the folder FOLDER/b:1 does")]
    [InlineData("docker-archive:FOLDER/b:1/x.tar:app:1", "the folder FOLDER/b:1 does")]
    // Not there yet: what is behind ':' holds '/', so it is no tag.
    [InlineData("oci:FOLDER/c:2/lay", "'2/lay' is no tag")]
    [InlineData("oci-archive:FOLDER/c:2/x.tar", "'2/x.tar' is no tag")]
    public async Task Copy_ToAPathWithAColon_IsRefusedWithAHint(string to, string says)
    {
        var ran = (await Command.RunAsync("copy", $"oci:{_folder["from"]}:1", to.Replace("FOLDER", _folder.Path, StringComparison.Ordinal))).Ended(2);

        Assert.Contains("a path can't hold ':'", ran.OneLine(), StringComparison.Ordinal);
        Assert.Contains(says.Replace("FOLDER", _folder.Path, StringComparison.Ordinal), ran.OneLine(), StringComparison.Ordinal);
        Assert.Equal(["b:1", "from"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Copy_FromAPathWithAColon_IsRefusedWithAHint()
    {
        Directory.Move(_folder["from"], _folder["b:1/lay"]);

        Assert.Contains("a path can't hold ':'", (await Command.RunAsync("digest", $"oci:{_folder["b:1/lay"]}")).Ended(2).OneLine(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("oci:FOLDER/out:team/app:1")]
    [InlineData("oci:FOLDER/out:example.com/team/app:1")]
    [InlineData("oci-archive:FOLDER/out.tar:team/app:1")]
    [InlineData("docker-archive:FOLDER/out.tar:team/app")]
    [InlineData("docker-archive:FOLDER/out.tar:team/app:1")]
    [InlineData("dir:FOLDER/b:1/out")]
    public async Task Copy_UnderAWholeName_IsWrittenAndRead(string to)
    {
        to = to.Replace("FOLDER", _folder.Path, StringComparison.Ordinal);
        (await Command.RunAsync("copy", $"oci:{_folder["from"]}:1", to)).Ended(0);

        Assert.Equal([$"{_image.Root!.Digest}"], (await Command.RunAsync("digest", to)).Ended(0).Lines);
    }

    // As Kubernetes' files hold images: the tag is written, and the digest must be the image's.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Copy_ToTagAndDigest_WritesTheTagIfTheDigestIsRight(bool isRight)
    {
        var bucket = $"file:{_folder["bucket"]}";
        (await Command.RunAsync("init", bucket)).Ended(0);
        var digest = isRight ? _image.Root!.Digest : Digest.Of("other"u8);

        var ran = await Command.RunAsync("copy", $"oci:{_folder["from"]}:1", $"{bucket}//team/app:v1@{digest}");

        ran.Ended(isRight ? 0 : 2);
        if (!isRight)
            Assert.Contains($"the image has the digest {_image.Root!.Digest}, not {digest}", ran.OneLine(), StringComparison.Ordinal);
        Assert.Equal(isRight ? ["v1"] : [], (await Command.RunAsync("tags", $"{bucket}//team/app")).Lines);
        if (isRight)
            Assert.Equal([$"{digest}"], (await Command.RunAsync("digest", $"{bucket}//team/app:v1@{digest}")).Ended(0).Lines);
    }

    [Theory]
    [InlineData("oci:a:b", "a")]
    [InlineData("oci:a:b/c:1", "a")]
    public void Path_WithoutSuchAFolder_IsThePath(string address, string path) =>
        Assert.Equal(path, AddressParser.Parse(address) is Address.OciLayout layout ? Addressed.Path(layout, layout.Directory, layout.Tag) : null);

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
