using Pail.Cli;
using Pail.Compression;
using Pail.Docker;
using Pail.Images;
using Pail.Oci;
using Pail.Tests.Kit;

namespace Pail.Tests.Images;

/// <summary>Layers of saved images whose bytes are not what the config or their path says: whatever they look like, nothing of them is stored.</summary>
public sealed class SavedContentTests : IAsyncDisposable
{
    private readonly TestFolder _folder = new();
    private readonly FakeEngine _engine = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Wrong()
    {
        var data = new TheoryData<string, string>();
        foreach (var place in (string[])["archive", "archive since 25", "engine", "engine since 25"])
            foreach (var bytes in (string[])["first header damaged", "cut to 300 bytes", "one byte", "empty", "garbage", "another tar", "another tar's gzip", "gzip cut in the middle",
                "gzip without its end", "gzip and garbage", "gzip and zeros", "gzip header alone", "zstd cut in the middle", "zstd and garbage", "xz", "bzip2", "lz4"])
                data.Add(place, bytes);
        return data;
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Copy_LayerIsNotWhatTheConfigSays_IsRefused(string place, string bytes)
    {
        var docker = new DockerTars();
        docker.Layers[1] = Spoil(docker.Layers[1], bytes);
        var sink = new MemoryImage();

        await using var source = Source(place, docker, place.EndsWith("25", StringComparison.Ordinal) ? docker.Since25() : docker.Classic());
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(source, sink, Cancel));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Null(sink.Root);
        Assert.Empty(sink.Manifests);
    }

    [Theory]
    [InlineData("archive")]
    [InlineData("engine")]
    public async Task Copy_BlobIsNotWhatItsPathSays_IsRefused(string place)
    {
        foreach (var at in (int[])[10, 700])
        {
            var docker = new DockerTars();
            var tar = docker.Since25();
            tar[tar.AsSpan().IndexOf(docker.Layers[1]) + at] ^= 1;
            var sink = new MemoryImage();

            await using var source = Source(place, docker, tar);
            Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(source, sink, Cancel))).Failure);

            Assert.Null(sink.Root);
        }
    }

    [Theory]
    [InlineData("archive", "blobs/sha256/HEX")]
    [InlineData("archive", "HEX.json")]
    [InlineData("archive", "sha256:HEX")]
    [InlineData("archive", "/sha256:HEX")]
    [InlineData("engine", "blobs/sha256/HEX")]
    [InlineData("engine", "HEX.json")]
    public async Task Copy_ConfigIsNotWhatItsPathSays_IsRefused(string place, string path)
    {
        var docker = new DockerTars(layers: 1);
        path = path.Replace("HEX", Digest.Of(docker.Config).Hex, StringComparison.Ordinal);
        foreach (var isDamaged in (bool[])[true, false])
        {
            var config = docker.Config.ToArray();
            if (isDamaged)
                config[config.AsSpan().IndexOf("amd64"u8)] = (byte)'b';
            var tar = new TarBytes().File(path, config).File("l/layer.tar", docker.Layers[0]).File("manifest.json", $$"""[{"Config":"{{path}}","RepoTags":["app:1.0"],"Layers":["l/layer.tar"]}]""").ToArray();
            var sink = new MemoryImage();

            await using var source = Source(place, docker, tar);
            var copy = Copying.RunAsync(source, sink, Cancel);

            if (isDamaged)
                Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => copy)).Failure);
            else
                await copy;
            Assert.Equal(isDamaged, sink.Root is null);
        }
    }

    [Theory]
    [InlineData("archive", "gzip")]
    [InlineData("archive", "gzip of several members")]
    [InlineData("archive", "zstd")]
    [InlineData("engine", "gzip")]
    [InlineData("engine", "gzip of several members")]
    [InlineData("engine", "zstd")]
    public async Task Copy_LayerCompressedBefore_StaysAsItIs(string place, string bytes)
    {
        var docker = new DockerTars();
        var layer = Spoil(docker.Layers[1], bytes);
        var plain = docker.Layers[1];
        docker.Layers[1] = layer;
        var tar = docker.Classic();
        docker.Layers[1] = plain;

        await using var source = Source(place, docker, tar);
        var image = await Copying.ReadAsync(source);

        await docker.AssertSameAsync(image);
        Assert.Equal(Digest.Of(layer), image.Root!.Layers[1].Digest);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("./")]
    [InlineData("/./")]
    public async Task Archive_NamesFromTheRoot_AreFound(string prefix)
    {
        var docker = new DockerTars(layers: 1);
        var list = """[{"Config":"c.json","RepoTags":null,"Layers":["l/layer.tar"]}]""";
        var tar = new TarBytes().File(prefix + "c.json", docker.Config).File(prefix + "l/layer.tar", docker.Layers[0]).File(prefix + "manifest.json", list).ToArray();

        await using var source = Source("archive", docker, tar);

        await docker.AssertSameAsync(await Copying.ReadAsync(source));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Archive_OnAPipe_IsReadOnce(bool isGzip)
    {
        var docker = new DockerTars();
        var pipe = _folder["pipe"];
        using (var make = System.Diagnostics.Process.Start("mkfifo", pipe))
            await make.WaitForExitAsync(Cancel);
        await File.WriteAllBytesAsync(_folder["image"], isGzip ? ImageBytes.Gzip(docker.Classic()) : docker.Classic(), Cancel);
        using var write = System.Diagnostics.Process.Start("sh", ["-c", $"cat '{_folder["image"]}' > '{pipe}'"]);

        await using var source = new DockerArchiveSource(pipe, null);
        await docker.AssertSameAsync(await Copying.ReadAsync(source));
        await write.WaitForExitAsync(Cancel);
    }

    // As people type it: docker save app | pail push docker-archive:- ...
    [Theory]
    [NeedsServers]
    [InlineData("cat", "docker-archive:-", ExitCode.Ok)]
    [InlineData("gzip -c", "docker-archive:-", ExitCode.Ok)]
    [InlineData("cat", "docker-archive:/dev/stdin", ExitCode.Ok)]
    [InlineData("cat", "docker-archive:-:app:1", ExitCode.Ok)]
    [InlineData("head -c 2000", "docker-archive:-", ExitCode.BadContent)]
    [InlineData("true", "docker-archive:-", ExitCode.BadContent)]
    public async Task Archive_OnStandardInput_IsReadOrRefused(string write, string source, int exitCode)
    {
        var docker = new DockerTars();
        await File.WriteAllBytesAsync(_folder["image"], DockerTars.Several((docker, ["app:1"])), Cancel);

        (await Child.RunAsync("sh", ["-c", $"{write} '{_folder["image"]}' | {BuiltPail.ShellCommand} copy {source} oci:{_folder["layout"]}:1"])).Ended(exitCode);

        if (exitCode == ExitCode.Ok)
            await docker.AssertSameAsync(await Copying.ReadAsync(new Pail.OciLayout.OciLayoutSource(_folder["layout"], "1")));
        else
            Assert.False(File.Exists(_folder["layout/index.json"]));
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    private IImageSource Source(string place, DockerTars docker, byte[] tar)
    {
        if (place.StartsWith("archive", StringComparison.Ordinal))
        {
            File.WriteAllBytes(_folder["image.tar"], tar);
            return new DockerArchiveSource(_folder["image.tar"], null);
        }
        _engine.Ids["app:1"] = docker.Id;
        _engine.Layers[docker.Id] = [.. docker.Layers.Select(layer => Digest.Of(layer))];
        _engine.Saved[docker.Id] = tar;
        return new DockerDaemonSource(_engine.Client, "app:1");
    }

    private static byte[] Spoil(byte[] tar, string how)
    {
        var gzip = ImageBytes.Gzip(tar);
        var damaged = tar.ToArray();
        damaged[3] ^= 0x40;
        return how switch
        {
            "first header damaged" => damaged,
            "cut to 300 bytes" => tar[..300],
            "one byte" => tar[..1],
            "empty" => [],
            "garbage" => ImageBytes.Bytes(new Random(9), 5000),
            "another tar" => ImageBytes.Layer(new Random(99), 5000),
            "another tar's gzip" => ImageBytes.Gzip(ImageBytes.Layer(new Random(99), 5000)),
            "gzip" => gzip,
            "gzip of several members" => [.. ImageBytes.Gzip(tar[..1000]), .. ImageBytes.Gzip(tar[1000..])],
            "gzip cut in the middle" => gzip[..(gzip.Length / 2)],
            "gzip without its end" => gzip[..^8],
            "gzip and garbage" => [.. gzip, .. ImageBytes.Bytes(new Random(9), 100)],
            "gzip and zeros" => [.. gzip, .. new byte[512]],
            "gzip header alone" => gzip[..10],
            "zstd" => Zstd(tar),
            "zstd cut in the middle" => Zstd(tar) is var zstd ? zstd[..(zstd.Length / 2)] : [],
            "zstd and garbage" => [.. Zstd(tar), .. ImageBytes.Bytes(new Random(9), 100)],
            "xz" => [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, .. tar],
            "bzip2" => [0x42, 0x5A, 0x68, 0x39, .. tar],
            "lz4" => [0x04, 0x22, 0x4D, 0x18, .. tar],
            _ => throw new ArgumentOutOfRangeException(nameof(how), how, null),
        };
    }

    private static byte[] Zstd(byte[] bytes)
    {
        using var output = new MemoryStream();
        LayerCompression.Parse("zstd").CompressAsync(new MemoryStream(bytes), output, Cancel).GetAwaiter().GetResult();
        return output.ToArray();
    }
}
