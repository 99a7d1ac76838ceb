using System.Security.Cryptography;
using System.Text;
using Pail.Oci;

namespace Pail.Tests.Server;

public abstract partial class ServerContract
{
    [Theory]
    [InlineData(DigestAlgorithm.Sha256)]
    [InlineData(DigestAlgorithm.Sha512)]
    public async Task Manifest_PushedByDigest_IsServedAsPushed(DigestAlgorithm algorithm)
    {
        var bytes = await Server.AddImageAsync(App, more: "  ");
        var digest = Digest.Of(bytes, algorithm).ToString();
        var pushed = (await Server.PutAsync($"/v2/{App}/manifests/{digest}", bytes)).Is(201);
        Assert.Equal(digest, pushed["Docker-Content-Digest"]);
        await using var other = await StartAsync();
        foreach (var server in new[] { Server, other })
        {
            var got = (await server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200);
            Assert.Equal(bytes, got.Body);
            Assert.Equal(MediaTypes.OciManifest, got["Content-Type"]);
            Assert.Equal(digest, got["Docker-Content-Digest"]);
            Assert.Equal($"\"{digest}\"", got["ETag"]);
            var head = (await server.HeadAsync($"/v2/{App}/manifests/{digest}")).Is(200);
            Assert.Empty(head.Body);
            Assert.Equal(bytes.Length.ToString(), head["Content-Length"]);
            Assert.Equal(got["Content-Type"], head["Content-Type"]);
            Assert.Equal(got["Docker-Content-Digest"], head["Docker-Content-Digest"]);
        }
    }

    [Fact]
    public async Task Manifest_PushedByTag_HasItsSha256()
    {
        var digest = await Server.PushAsync(App, "1.0");
        await using var other = await StartAsync();
        foreach (var server in new[] { Server, other })
            for (var again = 0; again < 2; again++)
            {
                var got = (await server.GetAsync($"/v2/{App}/manifests/1.0", ("Accept", "*/*"))).Is(200);
                Assert.Equal(digest.ToString(), got["Docker-Content-Digest"]);
                Assert.Equal(digest, Digest.Of(got.Body));
                Assert.Equal(got.Body.Length.ToString(), (await server.HeadAsync($"/v2/{App}/manifests/1.0")).Is(200)["Content-Length"]);
            }
    }

    [Fact]
    public async Task Manifest_ClientHasIt_IsNotSent()
    {
        var digest = await Server.PushAsync(App, "1");
        foreach (var reference in new[] { "1", digest.ToString() })
            foreach (var condition in new[] { $"\"{digest}\"", $"W/\"{digest}\"", $"\"x\", \"{digest}\"", "*" })
            {
                var answer = (await Server.GetAsync($"/v2/{App}/manifests/{reference}", ("If-None-Match", condition))).Is(304);
                Assert.Empty(answer.Body);
                Assert.Equal($"\"{digest}\"", answer["ETag"]);
            }
        (await Server.GetAsync($"/v2/{App}/manifests/1", ("If-None-Match", "\"other\""))).Is(200);
    }

    [Fact]
    public async Task Manifest_Unknown_Is404()
    {
        await Server.PushAsync(App, "1");
        foreach (var path in new[] { $"/v2/{App}/manifests/2", "/v2/none/manifests/1", $"/v2/{App}/manifests/{Digest.Of("x"u8)}" })
        {
            (await Server.GetAsync(path)).Is(404, "MANIFEST_UNKNOWN");
            var head = (await Server.HeadAsync(path)).Is(404);
            Assert.Empty(head.Body);
        }
    }

    [Fact]
    public async Task Manifest_TagMovedByAnother_IsServedAsItIsNow()
    {
        await Server.PushAsync(App, "1");
        (await Server.GetAsync($"/v2/{App}/manifests/1")).Is(200);
        await using var other = await StartAsync();
        var moved = await other.PushAsync(App, "1");
        Assert.Equal(moved.ToString(), (await Server.GetAsync($"/v2/{App}/manifests/1")).Is(200)["Docker-Content-Digest"]);
        await other.DeleteAsync($"/v2/{App}/manifests/1");
        (await Server.GetAsync($"/v2/{App}/manifests/1")).Is(404);
    }

    [Theory]
    [InlineData(DigestAlgorithm.Sha256, 0)]
    [InlineData(DigestAlgorithm.Sha256, 2)]
    [InlineData(DigestAlgorithm.Sha512, 100_000)]
    [InlineData(DigestAlgorithm.Sha256, 9 << 20)]
    public async Task Blob_Stored_IsServedWhole(DigestAlgorithm algorithm, int size)
    {
        var content = RandomNumberGenerator.GetBytes(size);
        var blob = await Server.AddBlobAsync(App, content, algorithm);
        var path = $"/v2/{App}/blobs/{blob.Digest}";
        var pulled = (await Server.PullAsync(path)).Is(200);
        Assert.Equal(content, pulled.Body);
        var head = (await Server.HeadAsync(path)).Is(200);
        Assert.Equal(size.ToString(), head["Content-Length"]);
        Assert.Empty(head.Body);
        Assert.Equal(blob.Digest.ToString(), head["Docker-Content-Digest"]);
        Assert.Equal($"\"{blob.Digest}\"", head["ETag"]);
        Assert.Equal("bytes", head["Accept-Ranges"]);
        Assert.Equal("max-age=31536000", head["Cache-Control"]);
        Assert.Equal(MediaTypes.OctetStream, head["Content-Type"]);
        (await Server.HeadAsync(path, ("If-None-Match", $"\"{blob.Digest}\""))).Is(304);
        (await Server.GetAsync(path, ("If-None-Match", $"\"{blob.Digest}\""))).Is(304);
    }

    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=10-19", 10, 10)]
    [InlineData("bytes=900-", 900, 100)]
    [InlineData("bytes=-10", 990, 10)]
    [InlineData("bytes=-5000", 0, 1000)]
    [InlineData("bytes=990-5000", 990, 10)]
    [InlineData("bytes=0-99999999999999999999", 0, 1000)]
    public async Task Blob_Range_IsThatPart(string range, int first, int length)
    {
        var content = RandomNumberGenerator.GetBytes(1000);
        var blob = await Server.AddBlobAsync(App, content);
        var part = (await Server.PullAsync($"/v2/{App}/blobs/{blob.Digest}", range)).Is(206);
        Assert.Equal(content[first..(first + length)], part.Body);
        Assert.Equal($"bytes {first}-{first + length - 1}/1000", part["Content-Range"]);
        Assert.Equal(length.ToString(), part["Content-Length"]);
    }

    [Theory]
    [InlineData("bytes=1000-")]
    [InlineData("bytes=5000-6000")]
    [InlineData("bytes=500-0")]
    [InlineData("bytes=-0")]
    public async Task Blob_RangeThatIsNotThere_Is416(string range)
    {
        var blob = await Server.AddBlobAsync(App, new byte[1000]);
        var path = $"/v2/{App}/blobs/{blob.Digest}";
        (await Server.PullAsync(path, range)).Is(416);
        await Server.HeadAsync(path);
        var known = (await Server.GetAsync(path, ("Range", range))).Is(416, "RANGE_INVALID");
        Assert.Equal("bytes */1000", known["Content-Range"]);
    }

    [Fact]
    public async Task Blob_IfRangeOfOtherContent_IsServedWhole()
    {
        var blob = await Server.AddBlobAsync(App, new byte[1000]);
        await using var plain = await StartAsync(options => options with { Redirect = null });
        var path = $"/v2/{App}/blobs/{blob.Digest}";
        Assert.Equal(1000, (await plain.GetAsync(path, ("Range", "bytes=0-9"), ("If-Range", "\"other\""))).Is(200).Body.Length);
        Assert.Equal(10, (await plain.GetAsync(path, ("Range", "bytes=0-9"), ("If-Range", $"\"{blob.Digest}\""))).Is(206).Body.Length);
        // Several ranges, another unit: ignored, as RFC 9110 allows.
        Assert.Equal(1000, (await plain.GetAsync(path, ("Range", "bytes=0-9,20-29"))).Is(200).Body.Length);
        Assert.Equal(1000, (await plain.GetAsync(path, ("Range", "lines=0-9"))).Is(200).Body.Length);
    }

    [Fact]
    public async Task Blob_SeveralRanges_AreServedWholeAndNotRedirected()
    {
        var blob = await Server.AddBlobAsync(App, new byte[1000]);
        Assert.Equal(1000, (await Server.GetAsync($"/v2/{App}/blobs/{blob.Digest}", ("Range", "bytes=0-9,20-29"))).Is(200).Body.Length);
    }

    [Fact]
    public async Task Blob_Unknown_Is404()
    {
        var path = $"/v2/{App}/blobs/{Digest.Of(Encoding.UTF8.GetBytes("none"))}";
        (await Server.GetAsync(path)).Is(404, "BLOB_UNKNOWN");
        (await Server.GetAsync(path, ("Range", "bytes=0-1"))).Is(404, "BLOB_UNKNOWN");
        (await Server.GetAsync(path, ("If-None-Match", "*"))).Is(404, "BLOB_UNKNOWN");
        Assert.Empty((await Server.HeadAsync(path)).Is(404).Body);
    }
}
