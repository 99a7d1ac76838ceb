using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Kit.Servers;
using Pail.Tests.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>Pushing blobs as the specification and its clients do, with the requests it costs. Run on a folder and on a real S3 server.</summary>
public abstract partial class UploadContract : IAsyncDisposable
{
    private protected const int MiB = 1 << 20;
    private protected const string Uploads = "/v2/team/app/blobs/uploads/";

    private TestServer? _server;

    private protected RequestMeter Meter { get; } = new();

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_server is not null)
            await _server.DisposeAsync();
    }

    /// <summary>An empty bucket, for this test only, whose requests <see cref="Meter"/> counts.</summary>
    private protected abstract Task<IObjectStore> NewBucketAsync();

    private protected async Task<TestServer> StartAsync(int count = 1, LayoutKind layout = LayoutKind.V2) =>
        _server = await TestServer.StartReplicasAsync(await NewBucketAsync(), count, layout);

    private static HttpContent Body(bool sized, byte[] bytes, int from = 0, int? length = null) =>
        sized ? Bodies.Sized(bytes, from, length) : Bodies.Streamed(bytes, from, length);

    // The parts of an upload that grow: 8, 16, then 32 MiB.
    private static int Parts(int size) => size <= 8 * MiB ? 1 : size <= 24 * MiB ? 2 : 2 + ((size - (24 * MiB) + (32 * MiB) - 1) / (32 * MiB));

    [Fact]
    public async Task Post_Answers202WithASessionOfItsOwn()
    {
        var server = await StartAsync();
        var first = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Is(202);
        var second = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Is(202);
        Assert.NotEqual(first.Location, second.Location);
        Assert.NotEqual(first["Docker-Upload-UUID"], second["Docker-Upload-UUID"]);
        Assert.True(Guid.TryParse(first["Docker-Upload-UUID"], out _));
        Assert.Contains("/v2/team/app/blobs/uploads/", first.Location, StringComparison.Ordinal);
        Assert.DoesNotContain('?', first.Location);
        Assert.InRange(first.Location.Length, 1, 400);
        Assert.Equal(("0-0", "0", "5242880"), (first["Range"], first["Content-Length"], first["OCI-Chunk-Min-Length"]));
        Assert.Equal((0, 0), (Meter.ClassA, Meter.ClassB));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(8 * MiB)]
    [InlineData((8 * MiB) + 1)]
    [InlineData(20 * MiB)]
    public async Task DigestFirst_AnySize_GoesStraightToItsKey(int size)
    {
        var server = await StartAsync();
        foreach (var algorithm in Enum.GetValues<DigestAlgorithm>())
            foreach (var sized in (bool[])[true, false])
                foreach (var post in (bool[])[true, false])
                {
                    // Of large ones not every way with every algorithm, but each with one.
                    if (size > 2 && (sized == post) == (algorithm == DigestAlgorithm.Sha512))
                        continue;
                    var blob = new TestBlob(size, seed: HashCode.Combine(algorithm, sized, post), algorithm);
                    var (a, b) = (Meter.ClassA, Meter.ClassB);
                    var digest = blob.Descriptor.Digest;
                    var answer = post
                        ? await server.SendAsync("POST", $"{Uploads}?digest={digest}", Body(sized, blob.Bytes))
                        : await server.SendAsync("PUT", $"{(await server.SendAsync("POST", Uploads, Bodies.Empty())).Location}?digest={digest}", Body(sized, blob.Bytes));
                    answer.Is(201);
                    Assert.EndsWith($"/v2/team/app/blobs/{digest}", answer.Location, StringComparison.Ordinal);
                    Assert.Equal((digest.ToString(), "0"), (answer["Docker-Content-Digest"], answer["Content-Length"]));
                    Assert.Equal((size <= 8 * MiB ? 1 : 2 + Parts(size), 0), (Meter.ClassA - a, Meter.ClassB - b));
                    blob.AssertIs(await server.BlobAsync(digest));
                    blob.AssertIs((await server.SendAsync("GET", answer.Location)).Is(200).Body);
                }
        await server.AssertNothingLeftAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8 * MiB)]
    [InlineData((8 * MiB) + 1)]
    [InlineData(60 * MiB)]
    public async Task DigestLast_OneStream_CostsOneRequestOrOneCopy(int size)
    {
        var server = await StartAsync(count: 2);
        foreach (var sized in (bool[])[true, false])
            foreach (var replica in (int[])[0, 1])
            {
                var blob = new TestBlob(size, seed: HashCode.Combine(sized, replica));
                var (a, b) = (Meter.ClassA, Meter.ClassB);
                var begun = await server.SendAsync("POST", Uploads, Bodies.Empty());
                var sent = (await server.SendAsync("PATCH", begun.Location, Body(sized, blob.Bytes), replica: replica)).Is(202);
                Assert.Equal(($"0-{size - 1}", begun["Docker-Upload-UUID"]), (sent["Range"], sent["Docker-Upload-UUID"]));
                (await server.SendAsync("PUT", $"{sent.Location}?digest={blob.Descriptor.Digest}", Bodies.Empty())).Is(201);
                // Create, parts, complete and copy.
                Assert.Equal((size <= 8 * MiB ? 1 : 3 + Parts(size), 0), (Meter.ClassA - a, Meter.ClassB - b));
                blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
            }
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task DigestLast_NothingAtAll_IsTheEmptyBlob()
    {
        var server = await StartAsync();
        var begun = await server.SendAsync("POST", Uploads, Bodies.Empty());
        var sent = (await server.SendAsync("PATCH", begun.Location, Bodies.Empty())).Is(202);
        Assert.Equal("0-0", sent["Range"]);
        (await server.SendAsync("PUT", $"{sent.Location}?digest={Digest.Of([])}", Bodies.Empty())).Is(201);
        Assert.Empty((await server.BlobAsync(Digest.Of([])))!);
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(50_000, 7)]
    [InlineData(6 * MiB, 3)]
    [InlineData(9 * MiB, 3)]
    [InlineData(10 * MiB, 2)]
    public async Task Chunks_AnySize_OnAlternatingReplicas_EndInTheBlob(int chunk, int count)
    {
        var server = await StartAsync(count: 2);
        foreach (var replica in (int[])[0, 1])
            foreach (var lastInPut in (bool[])[false, true])
            {
                var blob = new TestBlob((chunk * count) - 1, seed: HashCode.Combine(replica, lastInPut));
                var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
                var at = 0;
                for (var number = 0; number < count - (lastInPut ? 1 : 0); number++)
                {
                    var length = Math.Min(chunk, blob.Bytes.Length - at);
                    var sent = (await server.SendAsync("PATCH", location, Bodies.Sized(blob.Bytes, at, length), $"{at}-{at + length - 1}", number * replica % 2)).Is(202);
                    location = sent.Location;
                    at += length;
                    Assert.Equal($"0-{at - 1}", sent["Range"]);
                    var status = (await server.SendAsync("GET", location, replica: (number + replica) % 2)).Is(204);
                    Assert.Equal($"0-{at - 1}", status["Range"]);
                    location = status.Location;
                }
                var rest = lastInPut ? Bodies.Sized(blob.Bytes, at) : Bodies.Empty();
                (await server.SendAsync("PUT", $"{location}?digest={blob.Descriptor.Digest}", rest, lastInPut ? $"{at}-{blob.Bytes.Length - 1}" : null)).Is(201);
                blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
            }
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
        await server.AssertNothingLeftAsync();
    }

    [Theory]
    [InlineData(10)]
    [InlineData(9 * MiB)]
    public async Task Chunks_OutOfOrder_Get416AndTheSessionGoesOn(int chunk)
    {
        var server = await StartAsync();
        var blob = new TestBlob(3 * chunk);
        var begun = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        void Is416(Answer answer, long size)
        {
            answer.Is(416);
            Assert.Equal($"0-{Math.Max(0, size - 1)}", answer["Range"]);
            Assert.Equal("RANGE_INVALID", answer.Code);
        }
        Task<Answer> Send(string method, string location, int number, string digest = "") =>
            server.SendAsync(method, location + digest, Bodies.Sized(blob.Bytes, number * chunk, chunk), $"{number * chunk}-{((number + 1) * chunk) - 1}");

        Is416(await Send("PATCH", begun, 1), 0);
        var first = (await Send("PATCH", begun, 0)).Is(202).Location;
        Is416(await Send("PATCH", first, 0), chunk);
        Is416(await Send("PATCH", first, 2), chunk);
        Is416(await Send("PATCH", begun, 0), chunk);
        Is416(await Send("PATCH", begun, 1), chunk);
        var second = (await Send("PATCH", first, 1)).Is(202).Location;
        Is416(await Send("PATCH", first, 1), 2 * chunk);
        var digest = $"?digest={blob.Descriptor.Digest}";
        Is416(await Send("PUT", second, 1, digest), 2 * chunk);
        Is416(await Send("PUT", first, 2, digest), 2 * chunk);
        // An old Location tells where the session is now.
        var status = (await server.SendAsync("GET", begun)).Is(204);
        Assert.Equal($"0-{(2 * chunk) - 1}", status["Range"]);
        (await Send("PUT", status.Location, 2, digest)).Is(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Chunk_WhoseRangeMakesNoSense_IsRefused()
    {
        var server = await StartAsync();
        var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        foreach (var range in (string[])["a-b", "5", "1-0", "-1", "0-99", "0--9", "99999999999999999999-99999999999999999999"])
            Assert.Equal("BLOB_UPLOAD_INVALID", (await server.SendAsync("PATCH", location, Bodies.Sized(new byte[10]), range)).Is(400).Code);
        // As HTTP writes it.
        (await server.SendAsync("PATCH", location, Bodies.Sized(new byte[10]), "bytes 0-9/*")).Is(202);
    }

    [Fact]
    public async Task Chunk_StreamedThatIsShorterThanItsRange_IsRefused()
    {
        var server = await StartAsync();
        var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        Assert.Equal("SIZE_INVALID", (await server.SendAsync("PATCH", location, Bodies.Streamed(new byte[9]), "0-9")).Is(400).Code);
        Assert.Equal("SIZE_INVALID", (await server.SendAsync("PATCH", location, Bodies.Streamed(new byte[11]), "0-9")).Is(400).Code);
        Assert.Equal("SIZE_INVALID", (await server.SendAsync("PATCH", location, Bodies.Streamed([]), "0-9")).Is(400).Code);
        (await server.SendAsync("PATCH", location, Bodies.Streamed(new byte[10]), "0-9")).Is(202);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(20 * MiB)]
    public async Task WrongContent_AnyWay_Is400AndNeverVisible(int size)
    {
        var server = await StartAsync();
        var blob = new TestBlob(size);
        foreach (var digest in (Digest[])[new TestBlob(size, seed: 2).Descriptor.Digest, new TestBlob(size, seed: 2, DigestAlgorithm.Sha512).Descriptor.Digest])
        {
            var begun = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
            var half = (await server.SendAsync("PATCH", begun, Bodies.Sized(blob.Bytes, 0, size / 2))).Is(202).Location;
            var other = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
            var whole = (await server.SendAsync("PATCH", other, Bodies.Streamed(blob.Bytes))).Is(202).Location;
            foreach (var answer in (Answer[])
            [
                await server.SendAsync("POST", $"{Uploads}?digest={digest}", Bodies.Sized(blob.Bytes)),
                await server.SendAsync("PUT", $"{(await server.SendAsync("POST", Uploads, Bodies.Empty())).Location}?digest={digest}", Bodies.Streamed(blob.Bytes)),
                await server.SendAsync("PUT", $"{half}?digest={digest}", Bodies.Sized(blob.Bytes, size / 2)),
                await server.SendAsync("PUT", $"{whole}?digest={digest}", Bodies.Empty()),
            ])
                Assert.Equal((400, "DIGEST_INVALID"), (answer.Status, answer.Code));
            Assert.Null(await server.BlobAsync(digest));
            // The session has not come to harm.
            (await server.SendAsync("PUT", $"{whole}?digest={blob.Descriptor.Digest}", Bodies.Empty())).Is(201);
        }
        await server.AssertNothingLeftAsync();
    }

    [Theory]
    [InlineData("md5:d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("sha256:123")]
    [InlineData("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("nonsense")]
    [InlineData("")]
    public async Task DigestThatIsNone_Is400(string digest)
    {
        var server = await StartAsync();
        var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        foreach (var (method, path) in ((string, string)[])[("POST", $"{Uploads}?digest={digest}"), ("POST", $"{Uploads}?mount={digest}&from=a/b"), ("PUT", $"{location}?digest={digest}"), ("PUT", location)])
            Assert.Equal((400, "DIGEST_INVALID"), (await server.SendAsync(method, path, Bodies.Sized([1]))) is var answer ? (answer.Status, answer.Code) : default);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(20 * MiB)]
    public async Task Sha512_StatedLast_IsStoredUnderThat(int size)
    {
        var server = await StartAsync(count: 2);
        var blob = new TestBlob(size, algorithm: DigestAlgorithm.Sha512);
        foreach (var query in (string[])["", "?digest-algorithm=sha512"])
        {
            var begun = (await server.SendAsync("POST", Uploads + query, Bodies.Empty())).Location;
            var sent = (await server.SendAsync("PATCH", begun, Bodies.Streamed(blob.Bytes))).Is(202).Location;
            var done = (await server.SendAsync("PUT", $"{sent}?digest={blob.Descriptor.Digest}", Bodies.Empty(), replica: 1)).Is(201);
            Assert.Equal(blob.Descriptor.Digest.ToString(), done["Docker-Content-Digest"]);
            blob.AssertIs((await server.SendAsync("GET", done.Location)).Is(200).Body);
        }
        Assert.Equal(400, (await server.SendAsync("POST", Uploads + "?digest-algorithm=md5", Bodies.Empty())).Status);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(20 * MiB)]
    public async Task Cancel_EndsTheSessionAndLeavesNothing(int size)
    {
        var server = await StartAsync();
        var begun = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        var sent = (await server.SendAsync("PATCH", begun, Bodies.Sized(new byte[size]))).Is(202).Location;
        (await server.SendAsync("DELETE", sent)).Is(204);
        foreach (var location in (string[])[begun, sent])
            foreach (var method in (string[])["GET", "DELETE", "PATCH", "PUT"])
                Assert.Equal("BLOB_UPLOAD_UNKNOWN", (await server.SendAsync(method, $"{location}?digest={Digest.Of([])}", method is "GET" or "DELETE" ? null : Bodies.Sized([1]))).Is(404).Code);
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(20 * MiB)]
    public async Task Finish_Repeated_IsFineAsLongAsTheBlobIsThere(int size)
    {
        var server = await StartAsync(count: 2);
        var blob = new TestBlob(size);
        var begun = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        var sent = (await server.SendAsync("PATCH", begun, Bodies.Sized(blob.Bytes))).Is(202).Location;
        // The answer to the first may have been lost.
        foreach (var replica in (int[])[0, 0, 1])
            (await server.SendAsync("PUT", $"{sent}?digest={blob.Descriptor.Digest}", Bodies.Empty(), replica: replica)).Is(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        if (size < 8 * MiB)
            return;
        await server.Store.DeleteAsync(server.Layout.BlobKey(RepositoryName.Parse("team/app"), blob.Descriptor.Digest), TestContext.Current.CancellationToken);
        (await server.SendAsync("PUT", $"{sent}?digest={blob.Descriptor.Digest}", Bodies.Empty())).Is(404);
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Mount_OfWhatIsThere_SendsNoBytes(LayoutKind layout)
    {
        var server = await StartAsync(layout: layout);
        var blob = new TestBlob(100);
        var digest = blob.Descriptor.Digest;
        (await server.SendAsync("POST", $"/v2/other/one/blobs/uploads/?digest={digest}", Bodies.Sized(blob.Bytes))).Is(201);
        var (a, b) = (Meter.ClassA, Meter.ClassB);
        var mounted = (await server.SendAsync("POST", $"{Uploads}?mount={digest}&from=other/one", Bodies.Empty())).Is(201);
        Assert.Equal(layout == LayoutKind.V2 ? (1, 1) : (0, 1), (Meter.ClassA - a, Meter.ClassB - b));
        Assert.EndsWith($"/v2/team/app/blobs/{digest}", mounted.Location, StringComparison.Ordinal);
        Assert.Equal(digest.ToString(), mounted["Docker-Content-Digest"]);
        blob.AssertIs((await server.SendAsync("GET", mounted.Location)).Is(200).Body);
        (await server.SendAsync("POST", $"/v2/third/blobs/uploads/?mount={digest}", Bodies.Empty())).Is(201);
        blob.AssertIs((await server.SendAsync("GET", $"/v2/third/blobs/{digest}")).Is(200).Body);
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Mount_OfWhatIsNotThere_BeginsASession(LayoutKind layout)
    {
        var server = await StartAsync(layout: layout);
        var blob = new TestBlob(100);
        foreach (var from in (string[])["&from=other/one", "", "&from=team/app", "&from=NO", "&from="])
        {
            var begun = (await server.SendAsync("POST", $"{Uploads}?mount={blob.Descriptor.Digest}{from}", Bodies.Empty())).Is(202);
            (await server.SendAsync("PATCH", begun.Location, Bodies.Sized([1]))).Is(202);
        }
        Assert.Null(await server.BlobAsync(blob.Descriptor.Digest));
    }

    [Fact]
    public async Task Location_ChangedOrOfAnotherRepository_IsUnknown()
    {
        var server = await StartAsync();
        var sent = await server.SendAsync("PATCH", (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location, Bodies.Sized(new byte[100]));
        var path = new Uri(new Uri("http://x"), sent.Location).AbsolutePath;
        var session = path[(path.LastIndexOf('/') + 1)..];
        List<string> forged = [path.Replace("team/app", "team/other", StringComparison.Ordinal), Uploads + "x", Uploads + Guid.NewGuid(), Uploads + session[..^1], Uploads + session + "AAAA", Uploads + new string('A', 3000)];
        for (var at = 0; at < session.Length; at += 7)
            forged.Add(Uploads + session[..at] + (session[at] == 'A' ? 'B' : 'A') + session[(at + 1)..]);
        foreach (var location in forged)
            foreach (var method in (string[])["GET", "DELETE", "PATCH", "PUT"])
                Assert.Equal("BLOB_UPLOAD_UNKNOWN", (await server.SendAsync(method, $"{location}?digest={Digest.Of([])}", method is "GET" or "DELETE" ? null : Bodies.Sized([1]))).Is(404).Code);
        (await server.SendAsync("GET", path)).Is(204);
    }
}
