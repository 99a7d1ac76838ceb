using FsCheck;
using FsCheck.Fluent;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit.Servers;
using Pail.Tests.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>What holds however a client cuts a blob up, whichever replica gets which piece, and whatever it tries.</summary>
[Trait("Needs", "Time")]
public sealed class UploadPropertyTests : IAsyncDisposable
{
    private const int MiB = 1 << 20;
    private const string Uploads = "/v2/team/app/blobs/uploads/";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-properties-");

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>One chunk: how long, to which replica, whether its length is said, whether its range is.</summary>
    private sealed record Chunk(int Length, int Replica, bool Sized, bool Ranged);

    private static Gen<Chunk> AnyChunk =>
        from length in Gen.OneOf(Gen.Choose(0, 3), Gen.Choose(0, 200_000), Gen.Choose(5 * MiB - 1, 5 * MiB + 1), Gen.Choose(8 * MiB - 1, 8 * MiB + 1), Gen.Choose(0, 13 * MiB))
        from replica in Gen.Choose(0, 2)
        from sized in Gen.Elements(true, false)
        from ranged in Gen.Elements(true, false)
        select new Chunk(length, replica, sized, ranged);

    [Fact]
    public async Task AnyChunks_OverAnyReplicas_EndInTheSameBlob()
    {
        await using var server = await TestServer.StartReplicasAsync(new FolderStore(_folder.FullName, new RequestMeter()), count: 3);
        foreach (var (index, chunks) in Gen.Sample(Gen.ListOf(AnyChunk, 5), 25).Concat(Gen.Sample(Gen.ListOf(AnyChunk, 2), 15)).Index())
        {
            var blob = new TestBlob(chunks.Sum(chunk => chunk.Length), seed: index);
            var story = string.Join(", ", chunks);
            var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
            var at = 0;
            foreach (var (number, chunk) in chunks.Index())
            {
                var body = chunk.Sized ? Bodies.Sized(blob.Bytes, at, chunk.Length) : Bodies.Streamed(blob.Bytes, at, chunk.Length);
                var range = chunk is { Ranged: true, Length: > 0 } ? $"{at}-{at + chunk.Length - 1}" : null;
                var last = number == chunks.Count - 1;
                var answer = last
                    ? await server.SendAsync("PUT", $"{location}?digest={blob.Descriptor.Digest}", body, range, chunk.Replica)
                    : await server.SendAsync("PATCH", location, body, range, chunk.Replica);
                Assert.True(answer.Status == (last ? 201 : 202), $"{answer.Status} {answer.Text} for {chunk} of {story}");
                location = answer.Location;
                at += chunk.Length;
            }
            blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        }
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task ForkedSessions_MixedInAnyWay_NeverShowWrongContent()
    {
        // A client that goes on from old Locations on other replicas, with other bytes of the same length, and closes with
        // digests of mixtures: each request may fail or not, but what is visible has its digest.
        await using var server = await TestServer.StartReplicasAsync(new FolderStore(_folder.FullName, new RequestMeter()), count: 2);
        var random = new Random(1);
        foreach (var size in (int[])[9 * MiB, 6 * MiB, 100])
        {
            TestBlob[] pieces = [new(size, seed: 1), new(size, seed: 2), new(size, seed: 3)];
            byte[] Join(IEnumerable<int> which) => [.. which.SelectMany(number => pieces[number].Bytes)];
            List<(string Location, int[] Content)> sessions = [((await server.SendAsync("POST", Uploads, Bodies.Empty())).Location, [])];
            for (var step = 0; step < 25; step++)
            {
                var (location, content) = sessions[random.Next(sessions.Count)];
                var piece = random.Next(3);
                if (content.Length < 3 && random.Next(3) > 0)
                {
                    var answer = await server.SendAsync("PATCH", location, Bodies.Sized(pieces[piece].Bytes), replica: random.Next(2));
                    if (answer.Status == 202)
                        sessions.Add((answer.Location, [.. content, piece]));
                    else
                        Assert.True(answer.Status is 416 or 404, $"{answer.Status} {answer.Text}"); // known here to be further, or closed
                    continue;
                }
                var claimed = sessions[random.Next(sessions.Count)].Content;
                var right = claimed.SequenceEqual(content);
                var digest = Digest.Of(Join(claimed));
                var closed = await server.SendAsync("PUT", $"{location}?digest={digest}", Bodies.Empty(), replica: random.Next(2));
                Assert.True(closed.Status is 400 or 404 or 416 || (closed.Status == 201 && (right || claimed.Length == content.Length)), $"{closed.Status} for {string.Join("", content)} closed as {string.Join("", claimed)}");
            }
            foreach (var key in await server.KeysAsync("v2/"))
            {
                var digest = Digest.Parse(key[(key.LastIndexOf('/') + 1)..]);
                Assert.Equal(digest, Digest.Of(await server.BlobAsync(digest)));
            }
        }
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task ManyAtOnce_WithLittleMemory_AllArriveWithinIt()
    {
        await using var server = await TestServer.StartReplicasAsync(new FolderStore(_folder.FullName, new RequestMeter()), transfer: new() { MemoryLimit = 32 * MiB });
        await Task.WhenAll(Enumerable.Range(1, 32).Select(async number =>
        {
            var blob = new TestBlob(number % 3 == 0 ? 1000 : 12 * MiB, seed: number);
            var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
            var body = number % 2 == 0 ? Bodies.Streamed(blob.Bytes) : Bodies.Sized(blob.Bytes);
            if (number % 5 > 1)
            {
                location = (await server.SendAsync("PATCH", location, body)).Is(202).Location;
                body = Bodies.Empty();
            }
            (await server.SendAsync("PUT", $"{location}?digest={blob.Descriptor.Digest}", body)).Is(201);
            blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        }));
        Assert.InRange(server.Engines[0].Buffers.Peak, 1, 32 * MiB);
        await server.AssertNothingLeftAsync();
    }
}
