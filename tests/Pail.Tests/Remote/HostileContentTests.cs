using System.Text;
using Pail.Compression;
using Pail.Copy;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Remote;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>What a registry may say its content is: whatever it likes, and it is not believed.</summary>
public sealed class HostileContentTests : HostileBench
{
    [Fact]
    public async Task DigestSwap_BetweenTagAndBytes_IsFound()
    {
        var other = MemoryImage.Plain(seed: 9).Root!;
        await using var server = new RawServer((request, stream, cancel) => request.Path.Contains("/manifests/", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\nDocker-Content-Digest: {other.Digest}\r\n", Image.Root!.Bytes)
            : HonestAsync(request, stream, cancel));
        await FailsAsync(server, Failure.BadContent, other.Digest.ToString());
        await FailsAsync(server, Failure.BadContent, other.Digest.ToString(), reference: other.Digest.ToString());
    }

    [Fact]
    public async Task DigestSwap_OfABlob_IsFound()
    {
        await using var server = new RawServer((request, stream, cancel) => request.Path.Contains("/blobs/", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", "", new byte[Blob(request).Length])
            : HonestAsync(request, stream, cancel));
        await FailsAsync(server, Failure.BadContent, "not what their digest says");
    }

    [Fact]
    public async Task DigestSwap_OfAnImageThatAnIndexLists_IsFound()
    {
        var other = MemoryImage.Plain(seed: 9).Root!;
        var index = IndexOf(Image.Root!);
        await using var server = Server("manifests", (request, stream, _) => request.Path.EndsWith("/1", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {index.MediaType}\r\n", index.Bytes)
            : RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {other.MediaType}\r\nDocker-Content-Digest: {Image.Root!.Digest}\r\n", other.Bytes));
        await FailsAsync(server, Failure.BadContent, $"manifest {Image.Root!.Digest} should have");
    }

    [Fact]
    public async Task DigestSwap_BetweenTwoRangesOfABlob_IsFound()
    {
        var image = new MemoryImage();
        var layer = image.Add(ImageBytes.Bytes(new Random(1), 20 << 20), MediaTypes.OciLayerTar);
        image.AddManifest(ImageBuilder.ManifestOf(image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty), [layer]));
        await using var server = new RawServer((request, stream, _) =>
        {
            if (request.Path.Contains("/manifests/", StringComparison.Ordinal))
                return RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", image.Root!.Bytes);
            if (request["Range"] is not { } range)
                return RawServer.WriteAsync(stream, "200 OK", "", image.Blobs[DigestOf(request)]);
            var ends = range["bytes=".Length..].Split('-').Select(int.Parse).ToArray();
            // The first is right, those after it are of something else.
            var bytes = ends[0] == 0 ? image.Blobs[layer.Digest].AsMemory(0, ends[1] + 1) : new byte[ends[1] - ends[0] + 1];
            return RawServer.WriteAsync(stream, $"206 Partial Content\r\nContent-Range: bytes {ends[0]}-{ends[1]}/{layer.Size}", "", bytes);
        });
        await FailsAsync(server, Failure.BadContent, layer.Digest.ToString());
    }

    [Fact]
    public async Task DigestSwap_OfWhatWasPushed_IsFound()
    {
        await using var server = new RawServer((request, stream, _) => request.Method == "HEAD"
            ? RawServer.WriteAsync(stream, request.Path.Contains("/blobs/", StringComparison.Ordinal) ? "200 OK" : "404 Not Found", "", default)
            : RawServer.WriteAsync(stream, "201 Created", $"Docker-Content-Digest: {Digest.Of("other"u8)}\r\n", default));
        var error = await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(Image, Kit.Sink(server.Host)));
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains($"it is {Image.Root!.Digest}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("copied")]
    [InlineData("one platform")]
    [InlineData("two platforms")]
    [InlineData("compressed anew")]
    [InlineData("with referrers")]
    [InlineData("measured")]
    [InlineData("dated")]
    public async Task DeepIndexes_EndSomewhere(string how)
    {
        // 10,000 indexes, each in the next.
        var manifests = new Dictionary<string, Manifest>();
        var inner = Image.Root!;
        for (var i = 0; i < 10_000; i++)
            manifests[(inner = IndexOf(inner)).Digest.ToString()] = inner;
        await using var server = Server("manifests", (request, stream, cancel) =>
            (request.Path.EndsWith("/1", StringComparison.Ordinal) ? inner : manifests.GetValueOrDefault(request.Path[(request.Path.LastIndexOf('/') + 1)..])) is { } index
                ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {index.MediaType}\r\n", index.Bytes)
                : RawServer.WriteAsync(stream, "404 Not Found", "", default));
        const string Says = "nested more than 16 deep";
        switch (how)
        {
            case "measured":
                await using (var source = Kit.Source(server.Host))
                    Assert.Contains(Says, (await Assert.ThrowsAnyAsync<PailException>(async () => await ImageParts.SizeAsync(source, await source.GetRootAsync(default), default))).Message, StringComparison.Ordinal);
                break;
            case "dated":
                await using (var source = Kit.Source(server.Host))
                    Assert.Contains(Says, (await Assert.ThrowsAnyAsync<PailException>(() => ImageAge.ReadAsync(source, default))).Message, StringComparison.Ordinal);
                break;
            default:
                await FailsAsync(server, Failure.BadContent, Says, options: how switch
                {
                    "one platform" => new([Platform.Parse("linux/amd64")]),
                    "two platforms" => new([Platform.Parse("linux/amd64"), Platform.Parse("linux/arm64")]),
                    "compressed anew" => new(Compression: LayerCompression.None),
                    "with referrers" => new(Referrers: true),
                    _ => new(),
                });
                break;
        }
        Assert.InRange(server.Requests.Count, 1, 40);
    }

    [Theory]
    [InlineData("copied")]
    [InlineData("two platforms")]
    [InlineData("compressed anew")]
    [InlineData("with referrers")]
    [InlineData("measured")]
    public async Task RepeatedIndexes_AreReadOnceEach(string how)
    {
        // Each names the next a hundred times: 100^12 ways lead to the image.
        var manifests = new Dictionary<string, Manifest> { [Image.Root!.Digest.ToString()] = Image.Root };
        var inner = Image.Root;
        for (var i = 0; i < 12; i++)
            manifests[(inner = IndexOf(Enumerable.Repeat(inner, 100))).Digest.ToString()] = inner;
        await using var server = Server("manifests", (request, stream, _) =>
            (request.Path.EndsWith("/1", StringComparison.Ordinal) ? inner : manifests.GetValueOrDefault(request.Path[(request.Path.LastIndexOf('/') + 1)..])) is { } manifest
                ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {manifest.MediaType}\r\n", manifest.Bytes)
                : RawServer.WriteAsync(stream, "404 Not Found", "", default));
        using var limit = new CancellationTokenSource(Eventually.Limit);
        await using var source = Kit.Source(server.Host);
        await using var sink = new OciLayoutSink(Kit.Folder["layout"], "1");
        if (how == "measured")
            Assert.Equal(Image.Root.Blobs.Sum(blob => blob.Size), await ImageParts.SizeAsync(source, await source.GetRootAsync(limit.Token), limit.Token));
        else if (how == "two platforms")
            await Assert.ThrowsAnyAsync<PailException>(() => ImageCopy.RunAsync(source, sink, new([Platform.Parse("linux/amd64"), Platform.Parse("linux/arm64")]), NoProgress.Instance, limit.Token));
        else
            await ImageCopy.RunAsync(source, sink, new(Referrers: how == "with referrers", Compression: how == "compressed anew" ? LayerCompression.None : null), NoProgress.Instance, limit.Token);
        Assert.InRange(server.Requests.Count(request => request.Path.Contains("/manifests/sha256:", StringComparison.Ordinal)), 11, 30);
    }

    [Fact]
    public async Task WideIndexes_AreRefused()
    {
        var entries = Enumerable.Range(0, 5001).Select(i => $$"""{"mediaType":"{{MediaTypes.OciManifest}}","size":1,"digest":"{{Digest.Of(BitConverter.GetBytes(i))}}"}""");
        var index = ManifestJson.IndexOf(entries);
        await using var server = Server("manifests", (_, stream, _) => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciIndex}\r\n", index));
        await FailsAsync(server, Failure.BadContent, "more than 5000 manifests");
        Assert.InRange(server.Requests.Count, 1, 2);
    }

    [Theory]
    [InlineData("sha256:../../../etc/passwd")]
    [InlineData("sha256:..%2f..%2fetc%2fpasswd")]
    [InlineData("../../../etc/passwd")]
    [InlineData("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/../x")]
    public async Task PathTricks_InDigests_AreRefused(string digest)
    {
        var entry = $$"""{"mediaType":"{{MediaTypes.OciLayerTar}}","size":1,"digest":"{{digest}}"}""";
        var good = ManifestJson.Of(Image.Root!.Config!);
        foreach (var manifest in (string[])
        [
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{entry}},"layers":[]}""",
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{good}},"layers":[{{entry}}]}""",
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{good}},"layers":[],"subject":{{entry}}}""",
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{entry}}]}""",
        ])
        {
            await using var server = Server("manifests", (_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes(manifest)));
            await FailsAsync(server, Failure.BadContent, "not a digest");
            Assert.Single(server.Requests);
        }
    }

    [Fact]
    public async Task PathTricks_InListsOfReferrers_AreRefused()
    {
        await using var server = new RawServer((request, stream, cancel) => request.Path.Contains("/referrers/", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciIndex}\r\n", Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{"mediaType":"{{MediaTypes.OciManifest}}","size":1,"digest":"sha256:../../x"}]}"""))
            : HonestAsync(request, stream, cancel));
        await using var source = Kit.Source(server.Host);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => source.ListReferrersAsync(Image.Root!.Digest, TestContext.Current.CancellationToken));
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains("not a digest", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"schemaVersion\":1,\"name\":\"team/app\",\"fsLayers\":[]}", "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1")]
    [InlineData("{\"schemaVersion\":1,\"name\":\"team/app\",\"fsLayers\":[]}", "application/json", "schema 1")]
    [InlineData("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x\",\"size\":1,\"digest\":\"sha256:../../../etc/passwd\"},\"layers\":[]}", "application/vnd.oci.image.manifest.v1+json", "not a digest")]
    [InlineData("<html>", "text/html", "")]
    public async Task StrangeManifest_IsRefused(string manifest, string type, string says)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {type}\r\n", Encoding.UTF8.GetBytes(manifest)));
        await FailsAsync(server, Failure.BadContent, says);
    }

    [Theory]
    [InlineData("{", "not JSON")]
    [InlineData("\"a\\u001b[2Jb\"", "no list")]
    public async Task StrangeTags_AreRefused(string tags, string says)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes($"{{\"tags\":{tags}}}")));
        await TagsFailAsync(server, says);
    }

    [Theory]
    [InlineData("</v2/team/app/tags/list?n=1000>; rel=\"next\"", "pages without end")]
    [InlineData("<https://elsewhere.example/v2/team/app/tags/list>; rel=\"next\"", "on another host")]
    [InlineData("<file:///etc/passwd>; rel=\"next\"", "leads to a file")]
    public async Task StrangePages_AreNotFollowed(string link, string says)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", $"Link: {link}\r\n", "{\"tags\":[\"1\"]}"u8.ToArray()));
        await TagsFailAsync(server, says);
        Assert.InRange(server.Requests.Count, 1, 2);
    }

    private async Task TagsFailAsync(RawServer server, string says)
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => RegistryTags.ListAsync(server.Host, RepositoryName.Parse("team/app"), Kit.Clients).ToListAsync().AsTask());
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', error.Message);
    }

    private static Manifest IndexOf(params IEnumerable<Manifest> inner) => Manifest.Parse(ManifestJson.Index(inner.Select(manifest => manifest.Descriptor)));
}
