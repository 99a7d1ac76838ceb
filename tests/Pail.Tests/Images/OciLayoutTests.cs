using System.Text;
using System.Text.Json;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Tests.Images;

public sealed class OciLayoutTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string Layout => _folder["layout"];

    [Theory]
    [MemberData(nameof(MemoryImage.Kinds), MemberType = typeof(MemoryImage))]
    public async Task Layout_AnyImage_ComesBackByteForByte(string kind)
    {
        var image = MemoryImage.Of(kind);

        await Copying.RunAsync(image, new OciLayoutSink(Layout, "1"));

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciLayoutSource(Layout, "1")));
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciLayoutSource(Layout, null)));
        Assert.Equal(["blobs", "index.json", "oci-layout"], Directory.GetFileSystemEntries(Layout).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task PutRoot_SecondTag_KeepsTheFirst()
    {
        var (one, two) = (MemoryImage.Plain(1), MemoryImage.Index(2));
        await Copying.RunAsync(one, new OciLayoutSink(Layout, "one"));
        await Copying.RunAsync(two, new OciLayoutSink(Layout, "two"));

        MemoryImage.AssertSame(one, await Copying.ReadAsync(new OciLayoutSource(Layout, "one")));
        MemoryImage.AssertSame(two, await Copying.ReadAsync(new OciLayoutSource(Layout, "two")));
    }

    [Fact]
    public async Task PutRoot_SameTag_TakesItsPlace()
    {
        await Copying.RunAsync(MemoryImage.Plain(1), new OciLayoutSink(Layout, "1"));
        await Copying.RunAsync(MemoryImage.Plain(2), new OciLayoutSink(Layout, "1"));

        MemoryImage.AssertSame(MemoryImage.Plain(2), await Copying.ReadAsync(new OciLayoutSource(Layout, null)));
    }

    [Fact]
    public async Task PutRoot_WithoutTag_TakesThePlaceOfTheUntagged()
    {
        await Copying.RunAsync(MemoryImage.Plain(1), new OciLayoutSink(Layout, "tagged"));
        await Copying.RunAsync(MemoryImage.Plain(2), new OciLayoutSink(Layout, null));
        await Copying.RunAsync(MemoryImage.Plain(3), new OciLayoutSink(Layout, null));

        MemoryImage.AssertSame(MemoryImage.Plain(3), await Copying.ReadAsync(new OciLayoutSource(Layout, null)));
        MemoryImage.AssertSame(MemoryImage.Plain(1), await Copying.ReadAsync(new OciLayoutSource(Layout, "tagged")));
    }

    [Fact]
    public async Task PutRoot_ManyAtOnce_LosesNone()
    {
        var images = Enumerable.Range(0, 20).Select(n => (Tag: $"t{n}", Image: MemoryImage.Plain(n % 5))).ToList();

        await Task.WhenAll(images.Select(one => Task.Run(() => Copying.RunAsync(one.Image, new OciLayoutSink(Layout, one.Tag)))));

        foreach (var (tag, image) in images)
            MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciLayoutSource(Layout, tag)));
        Assert.False(Directory.Exists(Path.Combine(Layout, ".pail-partial")));
    }

    [Fact]
    public async Task PutRoot_IndexOfAnotherTool_KeepsWhatItDoesNotKnow()
    {
        Directory.CreateDirectory(Layout);
        var foreign = MemoryImage.Plain(7).Root!.Descriptor;
        await File.WriteAllTextAsync(Path.Combine(Layout, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        await File.WriteAllTextAsync(Path.Combine(Layout, "index.json"),
            $$$"""{"schemaVersion":2,"x":[1,{"y":null}],"manifests":[{"mediaType":"{{{foreign.MediaType}}}","digest":"{{{foreign.Digest}}}","size":{{{foreign.Size}}},"z":"+é","annotations":{"org.opencontainers.image.ref.name":"other"}}]}""");

        await Copying.RunAsync(MemoryImage.Plain(1), new OciLayoutSink(Layout, "1"));

        using var index = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Layout, "index.json")));
        Assert.Equal("[1,{\"y\":null}]", index.RootElement.GetProperty("x").GetRawText());
        Assert.Equal("+é", index.RootElement.GetProperty("manifests")[0].GetProperty("z").GetString());
        Assert.Equal(2, index.RootElement.GetProperty("manifests").GetArrayLength());
    }

    [Fact]
    public async Task HasRoot_SameImage_IsTrueUntilABlobIsGone()
    {
        var image = MemoryImage.Nested();
        await Copying.RunAsync(image, new OciLayoutSink(Layout, "1"));
        var sink = new OciLayoutSink(Layout, "1");
        Assert.True(await sink.HasRootAsync(image.Root!, default));
        Assert.False(await new OciLayoutSink(Layout, "2").HasRootAsync(image.Root!, default));

        File.Delete(BlobPath(image.Blobs.Keys.First()));

        Assert.False(await sink.HasRootAsync(image.Root!, default));
        await Copying.RunAsync(image, sink);
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciLayoutSource(Layout, "1")));
    }

    [Fact]
    public async Task PutBlob_FolderHoldsSomethingElse_TouchesNothing()
    {
        Directory.CreateDirectory(Layout);
        await File.WriteAllTextAsync(Path.Combine(Layout, "thesis.txt"), "mine");

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(MemoryImage.Plain(), new OciLayoutSink(Layout, "1")));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Equal(["thesis.txt"], Directory.GetFileSystemEntries(Layout).Select(Path.GetFileName));
    }

    [Fact]
    public async Task PutBlob_Interrupted_GoesOnWhereItStopped()
    {
        var image = new MemoryImage();
        var blob = image.Add(ImageBytes.Bytes(new Random(5), 5_000_000), MediaTypes.OctetStream);
        var sink = new OciLayoutSink(Layout, "1");
        await Assert.ThrowsAnyAsync<PailException>(() => sink.PutBlobAsync(
            blob, (_, _) => Task.FromResult<Stream>(new BreakingStream(image.Blobs[blob.Digest], 3_000_000)), NoProgress.Instance, default));
        var progress = new CountingProgress();

        var outcome = await sink.PutBlobAsync(blob, (offset, cancel) => image.OpenBlobAsync(blob, offset, cancel), progress, default);

        Assert.Equal(BlobOutcome.Sent, outcome);
        Assert.Equal([(blob.Digest, 3_000_000L)], image.Opened);
        Assert.Equal(blob.Size, progress.Bytes);
        Assert.Equal(image.Blobs[blob.Digest], await File.ReadAllBytesAsync(BlobPath(blob.Digest)));
    }

    [Fact]
    public async Task PutBlob_KeptBeginningIsWrong_StartsAnew()
    {
        var image = new MemoryImage();
        var blob = image.Add(ImageBytes.Bytes(new Random(5), 100_000), MediaTypes.OctetStream);
        Directory.CreateDirectory(Path.Combine(Layout, ".pail-partial"));
        await File.WriteAllTextAsync(Path.Combine(Layout, "oci-layout"), "{}");
        await File.WriteAllBytesAsync(Path.Combine(Layout, ".pail-partial", $"sha256-{blob.Digest.Hex}"), new byte[50_000]);
        var progress = new CountingProgress();

        await new OciLayoutSink(Layout, "1").PutBlobAsync(blob, (offset, cancel) => image.OpenBlobAsync(blob, offset, cancel), progress, default);

        Assert.Equal([(blob.Digest, 50_000L), (blob.Digest, 0L)], image.Opened);
        Assert.Equal(blob.Size, progress.Bytes);
        Assert.Equal(image.Blobs[blob.Digest], await File.ReadAllBytesAsync(BlobPath(blob.Digest)));
    }

    [Theory]
    [InlineData("short", "the bytes end after")]
    [InlineData("long", "more bytes came")]
    [InlineData("other", "got sha256:")]
    public async Task PutBlob_SourceLies_IsRefusedAndNothingIsVisible(string how, string says)
    {
        var image = MemoryImage.Plain();
        var (digest, bytes) = image.Blobs.First();
        image.Spoil(digest, how switch { "short" => bytes[..^1], "long" => [.. bytes, 0], _ => [.. bytes[..^1], (byte)(bytes[^1] ^ 1)] });

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(image, new OciLayoutSink(Layout, "1")));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(says, error.Message);
        Assert.Contains(digest.ToString(), error.Message);
        Assert.False(File.Exists(BlobPath(digest)));
        Assert.False(File.Exists(Path.Combine(Layout, "index.json")));
    }

    [Fact]
    public async Task GetRoot_SeveralImagesAndNoTag_ListsThem()
    {
        await Copying.RunAsync(MemoryImage.Plain(1), new OciLayoutSink(Layout, "one"));
        await Copying.RunAsync(MemoryImage.Plain(2), new OciLayoutSink(Layout, "two"));

        var several = await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, null).GetRootAsync(default));
        var absent = await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, "three").GetRootAsync(default));

        Assert.Equal((Failure.BadInput, Failure.NotFound), (several.Failure, absent.Failure));
        Assert.Contains("one, two", several.Message);
        Assert.Contains("one, two", absent.Message);
    }

    [Theory]
    [InlineData("1.0")]
    [InlineData("docker.io/library/app:1.0")]
    public async Task GetRoot_NameThatContainerdWrote_IsFound(string tag)
    {
        var image = MemoryImage.Plain();
        await Copying.RunAsync(image, new OciLayoutSink(Layout, "x"));
        var index = await File.ReadAllTextAsync(Path.Combine(Layout, "index.json"));
        await File.WriteAllTextAsync(Path.Combine(Layout, "index.json"), index.Replace("\"org.opencontainers.image.ref.name\":\"x\"", "\"io.containerd.image.name\":\"docker.io/library/app:1.0\""));

        Assert.Equal(image.Root!.Digest, (await new OciLayoutSource(Layout, tag).GetRootAsync(default)).Digest);
    }

    [Fact]
    public async Task OpenBlob_WrongSize_SaysWhichAndHowMuch()
    {
        var image = MemoryImage.Plain();
        await Copying.RunAsync(image, new OciLayoutSink(Layout, "1"));
        var layer = image.Root!.Layers[0];
        File.AppendAllText(BlobPath(layer.Digest), "x");

        var error = await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, "1").OpenBlobAsync(layer, 0, default));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains($"blob {layer.Digest} has {layer.Size + 1} bytes; its descriptor says {layer.Size}", error.Message);
    }

    [Fact]
    public async Task OpenBlob_LinkInsideTheLayout_IsFollowed()
    {
        var image = MemoryImage.Plain();
        await Copying.RunAsync(image, new OciLayoutSink(Layout, "1"));
        var path = BlobPath(image.Root!.Layers[0].Digest);
        File.Move(path, Path.Combine(Layout, "elsewhere"));
        File.CreateSymbolicLink(path, "../../elsewhere");

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciLayoutSource(Layout, "1")));
    }

    [Theory]
    [InlineData("/dev/zero")]
    [InlineData("/proc/self/environ")]
    [InlineData("nowhere")]
    public async Task OpenBlob_LinkToNoSuchContent_IsRefusedWithoutReading(string target)
    {
        var image = MemoryImage.Plain();
        await Copying.RunAsync(image, new OciLayoutSink(Layout, "1"));
        foreach (var digest in new[] { image.Root!.Layers[0].Digest, image.Root.Digest })
        {
            File.Delete(BlobPath(digest));
            File.CreateSymbolicLink(BlobPath(digest), target);
        }

        await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, "1").OpenBlobAsync(image.Root!.Layers[0], 0, default));
        await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, "1").GetRootAsync(default));
    }

    [Theory]
    [InlineData("""{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"sha256:../../../etc/passwd","size":1}]}""", "is not a digest")]
    [InlineData("""{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"md5:00","size":1}]}""", "is not a digest")]
    [InlineData("""{"schemaVersion":2,"manifests":{}}""", "not a list")]
    [InlineData("""{"schemaVersion":1,"manifests":[]}""", "schemaVersion")]
    [InlineData("""[]""", "not a JSON object")]
    [InlineData("""{"schemaVersion":2,""", "index.json")]
    [InlineData("", "index.json")]
    [InlineData("deep", "index.json can't be used")]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","manifests":[]}""", "index.json can't be used: as the manifest of an image")]
    [InlineData("""{"schemaVersion":2,"manifests":[]}""", "holds no image")]
    public async Task GetRoot_BadIndex_IsOneClearLine(string json, string says)
    {
        Directory.CreateDirectory(Layout);
        await File.WriteAllTextAsync(Path.Combine(Layout, "index.json"), json == "deep" ? new string('[', 100_000) : json);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, null).GetRootAsync(default));

        Assert.Contains(says, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.example.unknown+json","manifests":[]}""", "application/vnd.example.unknown+json")]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v1+json"}""", "manifest.v1+json")]
    [InlineData("deep", "can't be used")]
    [InlineData("plain text", "can't be used")]
    public async Task GetRoot_BadManifest_IsOneClearLine(string json, string says)
    {
        var bytes = Encoding.UTF8.GetBytes(json == "deep" ? $$"""{"schemaVersion":2,"x":{{new string('[', 100_000)}}""" : json);
        var digest = Digest.Of(bytes);
        Directory.CreateDirectory(Path.GetDirectoryName(BlobPath(digest))!);
        await File.WriteAllBytesAsync(BlobPath(digest), bytes);
        await File.WriteAllTextAsync(Path.Combine(Layout, "index.json"), $$"""{"schemaVersion":2,"manifests":[{"mediaType":"application/octet-stream","digest":"{{digest}}","size":{{bytes.Length}}}]}""");

        var error = await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, null).GetRootAsync(default));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(says, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task GetRoot_NoLayout_SaysSo()
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, null).GetRootAsync(default));

        Assert.Equal(Failure.NotFound, error.Failure);
        Assert.Contains("no OCI image layout", error.Message);
    }

    [Fact]
    public async Task GetRoot_HundredThousandImages_FindsOneOrListsFew()
    {
        var image = MemoryImage.Plain();
        await Copying.RunAsync(image, new OciLayoutSink(Layout, "1"));
        var entries = Enumerable.Range(0, 100_000).Select(n => $$$"""{"mediaType":"{{{MediaTypes.OciManifest}}}","digest":"{{{Digest.Of(Encoding.UTF8.GetBytes($"{n}"))}}}","size":{{{n}}}}""");
        await File.WriteAllTextAsync(Path.Combine(Layout, "index.json"), $$"""{"schemaVersion":2,"manifests":[{{string.Join(',', entries)}}]}""");

        var error = await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, null).GetRootAsync(default));

        Assert.True(error.Message.Length < 1000, error.Message);
    }

    [Fact]
    public async Task GetRoot_ManifestTooLarge_IsRefusedWithoutReading()
    {
        Directory.CreateDirectory(Layout);
        var digest = Digest.Of("x"u8);
        await File.WriteAllTextAsync(Path.Combine(Layout, "index.json"), $$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{MediaTypes.OciManifest}}","digest":"{{digest}}","size":5000000}]}""");
        Directory.CreateDirectory(Path.GetDirectoryName(BlobPath(digest))!);
        await File.WriteAllBytesAsync(BlobPath(digest), new byte[5_000_000]);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(Layout, null).GetRootAsync(default));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains("at most 4194304", error.Message);
    }

    [Fact]
    public async Task Source_ByDigestOrPlace_IsThatImage()
    {
        var (one, two) = (MemoryImage.Plain(1), MemoryImage.Index(2));
        await Copying.RunAsync(one, new OciLayoutSink(_folder["layout"], "one"));
        await Copying.RunAsync(two, new OciLayoutSink(_folder["layout"], "two"));

        MemoryImage.AssertSame(one, await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], "@0")));
        MemoryImage.AssertSame(two, await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], "@1")));
        MemoryImage.AssertSame(one, await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], $"@{one.Root!.Digest}")));
        MemoryImage.AssertSame(two, await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], $"@{two.Root!.Digest}")));
        // One platform of an index, which no name leads to.
        var child = await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], $"@{two.Root.Manifests[1].Digest}"));
        Assert.Equal(two.Root.Manifests[1].Digest, child.Root!.Digest);
    }

    [Theory]
    [InlineData(null, Failure.BadInput, "holds several images; add ':' and a tag, '@' and a digest, or '@' and a number from 0. It has one, two.")]
    [InlineData("@2", Failure.NotFound, "has no image @2; it has one, two.")]
    [InlineData("@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", Failure.NotFound, "has no image sha256:0123")]
    public async Task Source_NotOneOfSeveral_ListsThem(string? asked, Failure failure, string says)
    {
        await Copying.RunAsync(MemoryImage.Plain(1), new OciLayoutSink(_folder["layout"], "one"));
        await Copying.RunAsync(MemoryImage.Plain(2), new OciLayoutSink(_folder["layout"], "two"));
        await using var source = new OciLayoutSource(_folder["layout"], asked);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(default));

        Assert.Equal(failure, error.Failure);
        Assert.Contains(says, error.Message);
    }

    [Fact]
    public async Task Source_BlobUnderAnothersDigest_IsRefused()
    {
        var image = MemoryImage.Index();
        await Copying.RunAsync(image, new OciLayoutSink(_folder["layout"], "1"));
        var child = image.Root!.Manifests[0].Digest;
        File.Copy(Path.Combine(_folder["layout"], LayoutPaths.Blob(image.Root.Manifests[1].Digest)), Path.Combine(_folder["layout"], LayoutPaths.Blob(child)), overwrite: true);
        await using var source = new OciLayoutSource(_folder["layout"], $"@{child}");

        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(default))).Failure);
    }

    [Theory]
    [InlineData("@0")]
    [InlineData("@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    public void Sink_DigestOrPlaceForAName_IsRefused(string tag)
    {
        Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => new OciLayoutSink(_folder["layout"], tag)).Failure);
        Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => new OciArchiveSink(_folder["x.tar"], tag)).Failure);
    }

    public void Dispose() => _folder.Dispose();

    private string BlobPath(Digest digest) => Path.Combine(Layout, "blobs", digest.AlgorithmName, digest.Hex);
}
