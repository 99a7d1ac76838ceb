using System.Net;
using System.Text;
using System.Text.Json;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Remote;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;
using Pail.Tests.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>Blobs that clients send to the bucket themselves.</summary>
[NeedsServers]
public sealed class DirectUploadTests : IAsyncDisposable
{
    private const int MiB = 1 << 20;
    private const string Begin = "/v2/team/app/_pail/uploads";

    private readonly string _bucket = S3Server.NewName();
    private readonly RequestMeter _meter = new();
    private readonly HttpClient _http = new();
    private S3Store? _store;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _store?.Dispose();
        await S3Server.Ceph.RemoveAsync(_bucket);
    }

    [Fact]
    public async Task Parts_SentToTheBucket_BecomeTheBlobAndPassNoServer()
    {
        await using var server = await StartAsync(count: 2);
        var blob = new TestBlob(20 * MiB);
        var session = await BeginAsync(server, blob);
        var parts = await SendAsync(server, session, blob.Bytes);
        Assert.Null(await server.BlobAsync(blob.Descriptor.Digest));
        var before = (_meter.ClassA, _meter.ClassB);
        foreach (var replica in (int[])[0, 1, 0]) // the answer may have been lost
        {
            var done = (await server.SendAsync("PUT", session, Json(new { parts }), replica: replica)).Is(201);
            Assert.Equal(blob.Descriptor.Digest.ToString(), done["Docker-Content-Digest"]);
            blob.AssertIs((await server.Store.GetAsync(server.Layout.BlobKey(RepositoryName.Parse("team/app"), blob.Descriptor.Digest), null, Cancel)) is { } content ? await ReadAsync(content) : null);
            if (replica == 0 && before.ClassA > 0)
            {
                // Complete and copy; read back in three ranges, and what this test read.
                Assert.Equal((2, 4), (_meter.ClassA - before.ClassA, _meter.ClassB - before.ClassB));
                before = default;
            }
        }
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Begin_BlobThatIsThereOrSmall_AsksForNoParts()
    {
        await using var server = await StartAsync();
        var there = new TestBlob(9 * MiB);
        (await server.SendAsync("POST", $"/v2/team/app/blobs/uploads/?digest={there.Descriptor.Digest}", Bodies.Sized(there.Bytes))).Is(201);
        Assert.Equal("""{"state":"present"}""", (await server.SendAsync("POST", Begin, Wish(there))).Is(200).Text);
        Assert.Equal("""{"state":"send"}""", (await server.SendAsync("POST", Begin, Wish(new TestBlob(8 * MiB)))).Is(200).Text);
    }

    [Fact]
    public async Task Finish_OtherBytes_Is400AndNothingIsVisible()
    {
        await using var server = await StartAsync();
        var blob = new TestBlob(20 * MiB);
        var lie = blob.Bytes.ToArray();
        lie[15 * MiB]++;
        var session = await BeginAsync(server, blob);
        var parts = await SendAsync(server, session, lie);
        Assert.Equal("DIGEST_INVALID", (await server.SendAsync("PUT", session, Json(new { parts }))).Is(400).Code);
        Assert.Null(await server.BlobAsync(blob.Descriptor.Digest));
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
        Assert.Equal("BLOB_UPLOAD_UNKNOWN", (await server.SendAsync("PUT", session, Json(new { parts }))).Is(404).Code);
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Finish_PartsThatAreNot_IsRefused()
    {
        await using var server = await StartAsync();
        var blob = new TestBlob(20 * MiB);
        var session = await BeginAsync(server, blob);
        var parts = await SendAsync(server, session, blob.Bytes);
        Assert.Equal("SIZE_INVALID", (await server.SendAsync("PUT", session, Json(new { parts = parts[..1] }))).Is(400).Code);
        Assert.Equal("BLOB_UPLOAD_INVALID", (await server.SendAsync("PUT", session, Json(new { parts = parts.Select(part => part with { Etag = new string('0', 32) }) }))).Is(400).Code);
        // A size that is not what the part has is found out when the whole is read.
        Part[] shifted = [parts[0] with { Size = parts[0].Size - 1 }, parts[1] with { Size = parts[1].Size + 1 }, .. parts[2..]];
        (await server.SendAsync("PUT", session, Json(new { parts = shifted }))).Is(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
    }

    [Fact]
    public async Task Finish_MoreThanStated_IsRefusedThoughItsBeginningIsTheBlob()
    {
        await using var server = await StartAsync();
        var blob = new TestBlob(20 * MiB);
        var session = await BeginAsync(server, blob);
        var parts = await SendAsync(server, session, [.. blob.Bytes, 0]);
        parts[^1] = parts[^1] with { Size = parts[^1].Size - 1 };
        Assert.Equal("DIGEST_INVALID", (await server.SendAsync("PUT", session, Json(new { parts }))).Is(400).Code);
        Assert.Null(await server.BlobAsync(blob.Descriptor.Digest));
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"digest":"sha256:1","size":1}""")]
    [InlineData("""{"digest":5,"size":1}""")]
    [InlineData("""{"parts":[]}""")]
    [InlineData("""{"parts":[null]}""")]
    [InlineData("""{"parts":[{"size":1}]}""")]
    [InlineData("""{"parts":[{"etag":"\u0000","size":9437184}]}""")]
    [InlineData("""{"parts":[{"etag":"\ud800 <&>","size":9437184}]}""")]
    [InlineData("""{"parts":[{"etag":"","size":9437184}]}""")]
    [InlineData("""{"digest":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","size":-1}""")]
    [InlineData("""{"parts":[{"etag":"1","size":-1},{"etag":"2","size":9437185}]}""")]
    [InlineData("""{"parts":[{"etag":"1","size":9223372036854775807},{"etag":"2","size":9223372036854775807}]}""")]
    public async Task Requests_ThatMakeNoSense_AreRefused(string body)
    {
        await using var server = await StartAsync();
        var session = await BeginAsync(server, new TestBlob(9 * MiB));
        foreach (var (method, path) in ((string, string)[])[("POST", Begin), ("PUT", session)])
            Assert.InRange((await server.SendAsync(method, path, new StringContent(body))).Status, 400, 404);
        foreach (var path in (string[])["?first=0&count=1", "?first=1&count=101", "?first=10001&count=1", "?first=1", ""])
            (await server.SendAsync("POST", session + path)).Is(400);
        foreach (var (method, path) in ((string, string)[])[("GET", Begin), ("PATCH", session), ("GET", session)])
            (await server.SendAsync(method, path)).Is(405);
        foreach (var path in (string[])["/v2/team/app/_pail/", "/v2/team/app/_pail/x", $"{Begin}/", $"{Begin}/x", session.Replace("team/app", "other", StringComparison.Ordinal), session[..^1]])
            (await server.SendAsync("PUT", path, Json(new { parts = new[] { new Part("x", 1) } }))).Is(404);
    }

    [Fact]
    public async Task Session_OfAnOrdinaryUpload_IsNoneHere()
    {
        await using var server = await StartAsync();
        var location = (await server.SendAsync("POST", "/v2/team/app/blobs/uploads/", Bodies.Empty())).Location;
        (await server.SendAsync("DELETE", $"{Begin}/{location[(location.LastIndexOf('/') + 1)..]}")).Is(404);
        var session = await BeginAsync(server, new TestBlob(9 * MiB));
        (await server.SendAsync("GET", $"/v2/team/app/blobs/uploads/{session[(session.LastIndexOf('/') + 1)..]}")).Is(404);
    }

    [Fact]
    public async Task Cancel_LeavesNothing()
    {
        await using var server = await StartAsync();
        var blob = new TestBlob(20 * MiB);
        var session = await BeginAsync(server, blob);
        var parts = await SendAsync(server, session, blob.Bytes);
        (await server.SendAsync("DELETE", session)).Is(204);
        await server.AssertNothingLeftAsync();
        (await server.SendAsync("PUT", session, Json(new { parts }))).Is(404);
    }

    [Fact]
    public async Task WithoutRedirects_ItIsNotOffered()
    {
        await using var server = await TestServer.StartReplicasAsync(await NewBucketAsync());
        Assert.Null((await server.SendAsync("GET", "/v2/")).Is(200)["Pail-Extensions"]);
        (await server.SendAsync("POST", Begin, Wish(new TestBlob(9 * MiB)))).Is(404);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sink_OfAPailServer_SendsLargeBlobsToTheBucket(bool direct)
    {
        await using var server = direct ? await StartAsync() : await TestServer.StartReplicasAsync(await NewBucketAsync());
        var image = MemoryImage.Simple(size: 30 * MiB);
        for (var round = 0; round < 2; round++)
        {
            await using var sink = new RegistrySink(server.Host, RepositoryName.Parse("team/app"), Reference.Parse("1"), new RegistryClients(new(), new(new())));
            var result = await ImageCopy.RunAsync(image, sink, new(), NoProgress.Instance, Cancel);
            Assert.Equal((round == 1, round == 1 ? 0 : 2), (result.Unchanged, result.Sent));
        }
        var layer = image.Root!.Layers.Single();
        Assert.Equal(layer.Digest, Digest.Of(await server.BlobAsync(layer.Digest)));
        Assert.Equal(image.Root!.Bytes.ToArray(), (await server.SendAsync("GET", "/v2/team/app/manifests/1")).Is(200).Body);
        // What the server itself moved.
        Assert.Equal(direct, !_meter.Counts.ContainsKey(StoreOperation.UploadPart));
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Sink_AddressesTheBucketRefuses_AreAskedForAnew()
    {
        await using var proxy = S3Proxy.Start();
        await using var server = await StartAsync(endpoint: proxy.Endpoint);
        var blob = new TestBlob(30 * MiB);
        // As when they have become too old: several parts at once find that out.
        proxy.On(request => request.Operation == StoreOperation.UploadPart, new Fault.Answer(403, "AccessDenied"), times: 3);
        await using var sink = new RegistrySink(server.Host, RepositoryName.Parse("team/app"), Reference.Parse("1"), new RegistryClients(new(), new(new() { Retry = new() { FirstDelay = TimeSpan.FromMilliseconds(1) } })));
        Assert.Equal(BlobOutcome.Sent, await sink.PutBlobAsync(blob.Descriptor, blob.OpenOf(blob.Bytes), NoProgress.Instance, Cancel));
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        Assert.Equal(3, proxy.Requests.Count(request => request is { Operation: StoreOperation.UploadPart, Status: 403 }));
    }

    [Fact]
    public async Task Sink_SourceThatLies_LeavesNothing()
    {
        await using var server = await StartAsync();
        await using var sink = new RegistrySink(server.Host, RepositoryName.Parse("team/app"), Reference.Parse("1"), new RegistryClients(new(), new(new())));
        foreach (var size in (int[])[100, 20 * MiB])
        {
            var blob = new TestBlob(size);
            var lie = blob.Bytes.ToArray();
            lie[^1]++;
            var error = await Assert.ThrowsAnyAsync<PailException>(() => sink.PutBlobAsync(blob.Descriptor, blob.OpenOf(lie), NoProgress.Instance, Cancel));
            Assert.Equal(Failure.BadContent, error.Failure);
            Assert.Null(await server.BlobAsync(blob.Descriptor.Digest));
        }
        await server.AssertNothingLeftAsync();
    }

    private sealed record Part(string Etag, long Size);

    private static StringContent Json<T>(T value) => new(JsonSerializer.Serialize(value, JsonSerializerOptions.Web), Encoding.UTF8, "application/json");

    private static StringContent Wish(TestBlob blob) => Json(new { digest = blob.Descriptor.Digest.ToString(), size = blob.Descriptor.Size });

    private static async Task<byte[]> ReadAsync(ObjectContent content)
    {
        await using (content)
        {
            var bytes = new byte[content.Length];
            await content.Body.ReadExactlyAsync(bytes, Cancel);
            return bytes;
        }
    }

    private async Task<IObjectStore> NewBucketAsync(Uri? endpoint = null)
    {
        using (var admin = S3Server.Ceph.Open(_bucket))
            await admin.CreateBucketAsync(Cancel);
        var server = endpoint is null ? S3Server.Ceph : S3Server.Ceph with { Endpoint = endpoint.ToString() };
        return _store = server.Open(_bucket, meter: _meter);
    }

    private async Task<TestServer> StartAsync(int count = 1, Uri? endpoint = null)
    {
        var store = await NewBucketAsync(endpoint);
        return await TestServer.StartReplicasAsync(store, count, redirect: (IPresigner)store);
    }

    private static async Task<string> BeginAsync(TestServer server, TestBlob blob)
    {
        Assert.Equal("direct-upload", (await server.SendAsync("GET", "/v2/")).Is(200)["Pail-Extensions"]);
        var offer = JsonDocument.Parse((await server.SendAsync("POST", Begin, Wish(blob))).Is(200).Body).RootElement;
        Assert.Equal("parts", offer.GetProperty("state").GetString());
        return offer.GetProperty("session").GetString()!;
    }

    private async Task<Part[]> SendAsync(TestServer server, string session, byte[] bytes)
    {
        const int Size = 8 * MiB;
        var count = (bytes.Length + Size - 1) / Size;
        var urls = JsonDocument.Parse((await server.SendAsync("POST", $"{session}?first=1&count={count}")).Is(200).Body).RootElement.GetProperty("urls");
        return await Task.WhenAll(Enumerable.Range(0, count).Select(async index =>
        {
            var length = Math.Min(Size, bytes.Length - (index * Size));
            using var answer = await _http.PutAsync(new Uri(urls[index].GetString()!), new ByteArrayContent(bytes, index * Size, length), Cancel);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return new Part(answer.Headers.ETag!.Tag, length);
        }));
    }
}
