using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Tests.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>Several clients that send the same blob at once.</summary>
public sealed class JoinTests : IAsyncDisposable
{
    private const int MiB = 1 << 20;
    private const string Uploads = "/v2/team/app/blobs/uploads/";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-joins-");
    private readonly RequestMeter _meter = new();
    private readonly HookedStore _store;
    private readonly TestBlob _blob = new(20 * MiB);

    public JoinTests() => _store = new HookedStore(new FolderStore(_folder.FullName, _meter));

    private string Query => $"?digest={_blob.Descriptor.Digest}";

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task SameBlob_SlowFirst_OthersPassItAndAllAreToldOfOneUpload()
    {
        await using var server = await TestServer.StartReplicasAsync(_store);
        var (gate, reached) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = server.SendAsync("POST", Uploads + Query, Bodies.Gated(_blob.Bytes, 5 * MiB, gate.Task, reached.SetResult));
        await reached.Task;
        var others = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => server.SendAsync("POST", Uploads + Query, Bodies.Sized(_blob.Bytes))));
        Assert.All(others, answer => answer.Is(201));
        Assert.False(slow.IsCompleted);
        _blob.AssertIs(await server.BlobAsync(_blob.Descriptor.Digest));
        gate.SetResult();
        (await slow).Is(201);
        // Create, two parts, complete: as for one.
        Assert.Equal(4, _meter.ClassA);
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task SameBlob_FirstBreaksOff_AnotherGoesOnWhereItWas()
    {
        await using var server = await TestServer.StartReplicasAsync(_store);
        var (breaks, waits, begun, joined) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        var first = server.SendAsync("POST", Uploads + Query, Bodies.Gated(_blob.Bytes, 12 * MiB, breaks.Task, begun.SetResult));
        await begun.Task;
        var second = server.SendAsync("POST", Uploads + Query, Bodies.Gated(_blob.Bytes, 4 * MiB, waits.Task, joined.SetResult));
        await joined.Task;
        await Eventually.TrueAsync(() => server.Engines[0].Buffers.InUse > 8 * MiB);
        breaks.SetException(new IOException("The client went away."));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => first);
        waits.SetResult();
        (await second).Is(201);
        _blob.AssertIs(await server.BlobAsync(_blob.Descriptor.Digest));
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task SameBlob_AllBreakOff_NothingIsLeft()
    {
        await using var server = await TestServer.StartReplicasAsync(_store);
        var breaks = new TaskCompletionSource();
        var all = Enumerable.Range(1, 4).Select(number => server.SendAsync("POST", Uploads + Query, Bodies.Gated(_blob.Bytes, 4 * number * MiB, breaks.Task))).ToList();
        await Eventually.TrueAsync(() => server.Engines[0].Buffers.InUse > 0);
        breaks.SetException(new IOException("The client went away."));
        foreach (var one in all)
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => one);
        await server.AssertNothingLeftAsync();
        Assert.Null(await server.BlobAsync(_blob.Descriptor.Digest));
        (await server.SendAsync("POST", Uploads + Query, Bodies.Sized(_blob.Bytes))).Is(201);
    }

    [Fact]
    public async Task SameDigest_OneLies_TheOthersSucceedWhenTheyComeAgain()
    {
        await using var server = await TestServer.StartReplicasAsync(_store);
        var lie = _blob.Bytes.ToArray();
        lie[3 * MiB]++;
        var (gate, reached) = (new TaskCompletionSource(), new TaskCompletionSource());
        var liar = server.SendAsync("POST", Uploads + Query, Bodies.Gated(lie, 5 * MiB, gate.Task, reached.SetResult));
        await reached.Task;
        await Eventually.TrueAsync(() => server.Engines[0].Buffers.InUse > 0);
        var met = await server.SendAsync("POST", Uploads + Query, Bodies.Sized(_blob.Bytes));
        if (met.Status != 201) // it met the liar
            Assert.Equal((503, true), (met.Status, met["Retry-After"] is not null));
        (await server.SendAsync("POST", Uploads + Query, Bodies.Sized(_blob.Bytes))).Is(201);
        gate.SetResult();
        // Found out by its digest, or because it met others: which of them came first is anybody's guess.
        var told = await liar;
        Assert.Contains((told.Status, told.Code), new[] { (400, (string?)"DIGEST_INVALID"), (503, "UNAVAILABLE") });
        _blob.AssertIs(await server.BlobAsync(_blob.Descriptor.Digest));
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task SameSmallBlob_IsPutOnce_AndWhoLiesIsTold()
    {
        await using var server = await TestServer.StartReplicasAsync(_store);
        var small = new TestBlob(100_000);
        var lie = small.Bytes.ToArray();
        lie[^1]++;
        var (gate, puts) = (new TaskCompletionSource(), 0);
        _store.Before = call =>
        {
            Interlocked.Increment(ref puts);
            return gate.Task;
        };
        var path = $"{Uploads}?digest={small.Descriptor.Digest}";
        var honest = Enumerable.Range(0, 8).Select(_ => server.SendAsync("POST", path, Bodies.Streamed(small.Bytes))).ToList();
        var streams = Enumerable.Range(0, 4).Select(_ => StreamAsync(server, small)).ToList();
        (await server.SendAsync("POST", path, Bodies.Streamed(lie))).Is(400);
        // All of them hold their bytes and wait for the one that puts them.
        await Eventually.TrueAsync(() => server.Engines[0].Buffers.InUse >= 12 * MiB);
        await Task.Delay(200, TestContext.Current.CancellationToken);
        gate.SetResult();
        Assert.All(await Task.WhenAll(honest), answer => answer.Is(201));
        Assert.All(await Task.WhenAll(streams), answer => answer.Is(202));
        Assert.Equal(1, puts);
        small.AssertIs(await server.BlobAsync(small.Descriptor.Digest));
        await server.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task SameStagedBlob_FinishedAtOnce_IsCopiedOnce()
    {
        await using var server = await TestServer.StartReplicasAsync(_store);
        var sessions = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => StreamAsync(server, _blob)));
        var gate = new TaskCompletionSource();
        _store.Before = call => call.Operation == StoreOperation.CopyObject ? gate.Task : Task.CompletedTask;
        var finishing = sessions.Select(session => server.SendAsync("PUT", session.Location + Query, Bodies.Empty())).ToList();
        await Task.Delay(500, TestContext.Current.CancellationToken);
        gate.SetResult();
        Assert.All(await Task.WhenAll(finishing), answer => answer.Is(201));
        Assert.Equal(1, _meter.Counts[StoreOperation.CopyObject]);
        _blob.AssertIs(await server.BlobAsync(_blob.Descriptor.Digest));
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
    }

    private static async Task<Answer> StreamAsync(TestServer server, TestBlob blob) =>
        (await server.SendAsync("PATCH", (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location, Bodies.Streamed(blob.Bytes))).Is(202);
}
