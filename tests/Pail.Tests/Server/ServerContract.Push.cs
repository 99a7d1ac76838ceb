using System.Text;
using Pail.Oci;
using Pail.Tests.Images;

namespace Pail.Tests.Server;

public abstract partial class ServerContract
{
    private static readonly Descriptor Nothing = new(MediaTypes.OciEmpty, Digest.Of("{}"u8), 2);

    [Fact]
    public async Task Push_AnyJsonThatIsAManifest_IsKeptToTheByte()
    {
        await Server.AddBlobAsync(App, "{}"u8.ToArray());
        var layer = await Server.AddBlobAsync(App, [1, 2, 3]);
        byte[][] manifests =
        [
            ManifestJson.Image(Nothing, []),
            ManifestJson.Image(Nothing, [layer], ",\"artifactType\":\"application/x.test\",\"annotations\":{\"a\":\"\\u00e9+<>\"}"),
            ManifestJson.Image(Nothing, [layer], ",\"unknown\":{\"x\":[1,2.50]},\"x-y\":null"),
            Encoding.UTF8.GetBytes("\n " + Encoding.UTF8.GetString(ManifestJson.Image(Nothing, [layer])) + "\r\n\t"),
            Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"config":{{ManifestJson.Of(Nothing, ",\"data\":\"e30=\"")}},"layers":[{{ManifestJson.Of(layer, ",\"data\":\"AQID\"")}}]}"""),
            ManifestJson.Index([]),
            ManifestJson.Index([], ",\"subject\":" + ManifestJson.Of(new(MediaTypes.OciManifest, Digest.Of("s"u8), 1))),
        ];
        foreach (var bytes in manifests)
        {
            var digest = Digest.Of(bytes).ToString();
            var answer = (await Server.PutAsync($"/v2/{App}/manifests/t", bytes, bytes.AsSpan().IndexOf("\"manifests\""u8) >= 0 ? MediaTypes.OciIndex : MediaTypes.OciManifest)).Is(201);
            Assert.Equal("0", answer["Content-Length"]);
            Assert.Equal(digest, answer["Docker-Content-Digest"]);
            Assert.Equal(bytes, (await Server.GetAsync(answer["Location"]!)).Is(200).Body);
            Assert.Equal(bytes, (await Server.GetAsync($"/v2/{App}/manifests/t")).Is(200).Body);
        }
    }

    [Fact]
    public async Task Push_NestedIndexes_AreTaken()
    {
        var image = await Server.AddImageAsync(App);
        (await Server.PutAsync($"/v2/{App}/manifests/{Digest.Of(image)}", image)).Is(201);
        var inner = ManifestJson.Index([ManifestJson.Describe(image)]);
        (await Server.PutAsync($"/v2/{App}/manifests/{Digest.Of(inner)}", inner, MediaTypes.OciIndex)).Is(201);
        var outer = ManifestJson.Index([ManifestJson.Describe(inner, MediaTypes.OciIndex), ManifestJson.Describe(image)]);
        (await Server.PutAsync($"/v2/{App}/manifests/all", outer, MediaTypes.OciIndex)).Is(201);
        await using var other = await StartAsync();
        var again = ManifestJson.Index([ManifestJson.Describe(inner, MediaTypes.OciIndex)]);
        (await other.PutAsync($"/v2/{App}/manifests/again", again, MediaTypes.OciIndex)).Is(201);
        Assert.Equal(MediaTypes.OciIndex, (await other.GetAsync($"/v2/{App}/manifests/all")).Is(200)["Content-Type"]);
    }

    [Theory]
    [InlineData(MediaTypes.DockerManifest)]
    [InlineData(MediaTypes.OciManifest)]
    public async Task Push_ContentTypeWithParameters_IsServedWithout(string type)
    {
        await Server.AddBlobAsync(App, "{}"u8.ToArray());
        var bytes = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"config":{{ManifestJson.Of(Nothing)}},"layers":[]}""");
        (await Server.PutAsync($"/v2/{App}/manifests/t", bytes, type + "; charset=utf-8")).Is(201);
        Assert.Equal(type, (await Server.GetAsync($"/v2/{App}/manifests/t")).Is(200)["Content-Type"]);
    }

    [Fact]
    public async Task Push_WhatItNamesIsMissing_IsRefused()
    {
        var layer = new Descriptor(MediaTypes.OciLayerGzip, Digest.Of("missing"u8), 7);
        await Server.AddBlobAsync(App, "{}"u8.ToArray());
        var error = (await Server.PutAsync($"/v2/{App}/manifests/t", ManifestJson.Image(Nothing, [layer]))).Is(400, "MANIFEST_BLOB_UNKNOWN");
        Assert.Contains(layer.Digest.ToString(), error.Text, StringComparison.Ordinal);
        (await Server.PutAsync($"/v2/{App}/manifests/t", ManifestJson.Index([new(MediaTypes.OciManifest, Digest.Of("child"u8), 5)]), MediaTypes.OciIndex)).Is(400, "MANIFEST_BLOB_UNKNOWN");
        (await Server.GetAsync($"/v2/{App}/manifests/t")).Is(404);
        // Elsewhere, unknown to this specification, or a subject: none of these has to be here.
        var foreign = Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{ManifestJson.Of(Nothing)}},"layers":[{{ManifestJson.Of(layer, ",\"urls\":[\"https://example.com/x\"]")}}],"subject":{{ManifestJson.Of(new(MediaTypes.OciManifest, Digest.Of("s"u8), 1))}}}
            """);
        Assert.Equal(Digest.Of("s"u8).ToString(), (await Server.PutAsync($"/v2/{App}/manifests/t", foreign)).Is(201)["OCI-Subject"]);
        (await Server.PutAsync($"/v2/{App}/manifests/u", ManifestJson.Index([new("application/vnd.example", Digest.Of("x"u8), 5)]), MediaTypes.OciIndex)).Is(201);
    }

    [Fact]
    public async Task Push_DigestOfOtherContent_IsRefused()
    {
        var bytes = await Server.AddImageAsync(App);
        foreach (var digest in new[] { Digest.Of("x"u8), Digest.Of("x"u8, DigestAlgorithm.Sha512) })
        {
            (await Server.PutAsync($"/v2/{App}/manifests/{digest}", bytes)).Is(400, "DIGEST_INVALID");
            (await Server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(404);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("{\"schemaVersion\":1}")]
    [InlineData("{\"schemaVersion\":2,\"layers\":[]}")]
    [InlineData("{\"schemaVersion\":2,\"mediaType\":5}")]
    [InlineData("{\"schemaVersion\":2,\"manifests\":[1]}")]
    [InlineData("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:00\",\"size\":1}]}")]
    [InlineData("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"\\ud800\",\"size\":1}]}")]
    [InlineData("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\"}")]
    [InlineData("{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}")]
    [InlineData("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[],\"config\":{},\"layers\":[]}")]
    [InlineData("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"manifests\":[],\"config\":{},\"layers\":[]}")]
    public async Task Push_NoManifest_IsRefused(string body)
    {
        (await Server.PutAsync($"/v2/{App}/manifests/t", Encoding.UTF8.GetBytes(body))).Is(400, "MANIFEST_INVALID");
        (await Server.PutAsync($"/v2/{App}/manifests/{Digest.Of(Encoding.UTF8.GetBytes(body))}", Encoding.UTF8.GetBytes(body))).Is(400, "MANIFEST_INVALID");
    }

    [Fact]
    public async Task Push_LargeManifest_IsTakenUpToFourMiB()
    {
        await Server.AddBlobAsync(App, "{}"u8.ToArray());
        var room = Manifest.MaxSize - ManifestJson.Image(Nothing, [], ",\"annotations\":{\"a\":\"\"}").Length;
        var largest = ManifestJson.Image(Nothing, [], $",\"annotations\":{{\"a\":\"{new string('x', room)}\"}}");
        Assert.Equal(Manifest.MaxSize, largest.Length);
        (await Server.PutAsync($"/v2/{App}/manifests/t", largest)).Is(201);
        Assert.Equal(largest, (await Server.GetAsync($"/v2/{App}/manifests/t")).Is(200).Body);
        (await Server.PutAsync($"/v2/{App}/manifests/t", [.. largest, (byte)' '])).Is(413, "SIZE_INVALID");
        (await Server.SendAsync(HttpMethod.Put, $"/v2/{App}/manifests/t", [.. largest, (byte)' '], ("Content-Type", MediaTypes.OciManifest), ("Transfer-Encoding", "chunked"))).Is(413, "SIZE_INVALID");
    }

    [Fact]
    public async Task Push_SeveralTags_AreAllSet()
    {
        var bytes = await Server.AddImageAsync(App);
        var digest = Digest.Of(bytes);
        var tags = Enumerable.Range(0, 10).Select(n => $"t{n}").ToArray();
        var answer = (await Server.PutAsync($"/v2/{App}/manifests/{digest}?{string.Join('&', tags.Select(tag => "tag=" + tag))}", bytes)).Is(201);
        Assert.Equal(string.Join(", ", tags), answer["OCI-Tag"]);
        foreach (var tag in tags)
            Assert.Equal(digest.ToString(), (await Server.HeadAsync($"/v2/{App}/manifests/{tag}")).Is(200)["Docker-Content-Digest"]);
        (await Server.PutAsync($"/v2/{App}/manifests/{digest}?tag=ok&tag=not%20ok", bytes)).Is(400, "TAG_INVALID");
        (await Server.GetAsync($"/v2/{App}/manifests/ok")).Is(404);
        (await Server.PutAsync($"/v2/{App}/manifests/{digest}?{string.Join('&', Enumerable.Repeat("tag=x", 101))}", bytes)).Is(414);
    }

    [Fact]
    public async Task Push_SizeOfABlobIsWrong_IsWarnedOf()
    {
        await Server.AddBlobAsync(App, "{}"u8.ToArray());
        var answer = (await Server.PutAsync($"/v2/{App}/manifests/t", ManifestJson.Image(Nothing with { Size = 3 }, []))).Is(201);
        Assert.StartsWith("299 - \"", answer["Warning"], StringComparison.Ordinal);
        Assert.EndsWith("\"", answer["Warning"], StringComparison.Ordinal);
        Assert.Null((await Server.PutAsync($"/v2/{App}/manifests/t", ManifestJson.Image(Nothing, []))).Is(201)["Warning"]);
    }
}
