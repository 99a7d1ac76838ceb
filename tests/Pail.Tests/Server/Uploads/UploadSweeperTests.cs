using System.Buffers;
using Microsoft.Extensions.Logging.Abstractions;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Server;
using Pail.Server.Uploads;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Transfer;
using Pail.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>What killed replicas and dead sessions leave, and how it goes.</summary>
public sealed class UploadSweeperTests : IAsyncDisposable
{
    private const int MiB = 1 << 20;
    private const string Uploads = "/v2/team/app/blobs/uploads/";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-sweeps-");
    private readonly RequestMeter _meter = new();
    private readonly FolderStore _store;
    private readonly LaterTime _time = new();

    public UploadSweeperTests() => _store = new FolderStore(_folder.FullName, _meter);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(StoreOperation.UploadPart, true)]
    [InlineData(StoreOperation.UploadPart, false)]
    [InlineData(StoreOperation.CompleteMultipartUpload, true)]
    [InlineData(StoreOperation.CompleteMultipartUpload, false)]
    [InlineData(StoreOperation.CopyObject, true)]
    [InlineData(StoreOperation.CopyObject, false)]
    [InlineData(StoreOperation.DeleteObject, true)]
    [InlineData(StoreOperation.DeleteObject, false)]
    public async Task ReplicaKilledInAPush_CostsARetry_AndIsSweptLater(StoreOperation last, bool afterEffect)
    {
        var dying = new HookedStore(_store);
        var dead = false;
        Task DieAsync(HookedCall call, bool after)
        {
            dead |= call.Operation == last && after == afterEffect;
            return dead ? throw new StoreException(StoreError.Rejected, "killed") : Task.CompletedTask;
        }
        dying.Before = call => DieAsync(call, after: false);
        dying.After = call => DieAsync(call, after: true);
        await using var server = await Replicas.StartAsync(_store, count: 2, time: _time, wrap: dying);
        var blob = new TestBlob(20 * MiB);
        var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        var patched = await server.SendAsync("PATCH", location, Bodies.Streamed(blob.Bytes));
        if (patched.Status == 202)
            await server.SendAsync("PUT", $"{patched.Location}?digest={blob.Descriptor.Digest}", Bodies.Empty());
        Assert.True(dead);

        // The client goes on, if it got so far, or begins anew, elsewhere.
        if (patched.Status != 202)
            patched = (await server.SendAsync("PATCH", location, Bodies.Streamed(blob.Bytes), replica: 1)).Expect(202);
        (await server.SendAsync("PUT", $"{patched.Location}?digest={blob.Descriptor.Digest}", Bodies.Empty(), replica: 1)).Expect(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));

        var sweeper = Sweeper();
        Assert.Equal((0, 0), await sweeper.SweepAsync(Cancel));
        _time.Later = TimeSpan.FromHours(49);
        await sweeper.SweepAsync(Cancel);
        Assert.Empty(await server.KeysAsync("uploads/"));
        Assert.Empty(await _store.ListUploadsAsync("", Cancel));
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
    }

    [Fact]
    public async Task Session_NotUsedForItsLifetime_IsUnknown()
    {
        await using var server = await Replicas.StartAsync(_store, time: _time);
        var location = (await server.SendAsync("PATCH", (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location, Bodies.Sized([1]))).Location;
        _time.Later = TimeSpan.FromHours(23.9);
        (await server.SendAsync("GET", location)).Expect(204);
        _time.Later = TimeSpan.FromHours(24.1);
        (await server.SendAsync("GET", location)).Expect(404);
        (await server.SendAsync("PUT", $"{location}?digest={Digest.Of([1])}", Bodies.Empty())).Expect(404);
    }

    [Fact]
    public async Task Sweep_OnlyTakesWhatIsOldAndItsOwn_WithTwoRequests()
    {
        var headers = new ObjectHeaders(MediaTypes.OctetStream);
        foreach (var key in (string[])["uploads/x/1", "uploads/x/2", "v2/a/blobs/sha256:1", "other/1", "uploadsx"])
            await _store.PutAsync(key, new ReadOnlySequence<byte>([1]), headers, PutCondition.None, Cancel);
        foreach (var key in (string[])["uploads/x/3", "v2/a/blobs/sha256:2", "other/2"])
            await _store.CreateUploadAsync(key, headers, Cancel);
        async Task<string[]> LeftAsync() => [.. (await _store.ListAsync(new(""), Cancel)).Objects.Select(entry => entry.Key), .. (await _store.ListUploadsAsync("", Cancel)).Select(pending => pending.Upload.Key).Order()];

        var sweeper = Sweeper();
        _time.Later = TimeSpan.FromHours(47);
        var before = _meter.ClassA;
        Assert.Equal((0, 0), await sweeper.SweepAsync(Cancel));
        Assert.Equal(2, _meter.ClassA - before);
        _time.Later = TimeSpan.FromHours(49);
        // Two replicas at the same time.
        await Task.WhenAll(sweeper.SweepAsync(Cancel), Sweeper().SweepAsync(Cancel));
        Assert.Equal(["other/1", "uploadsx", "v2/a/blobs/sha256:1", "other/2", "v2/a/blobs/sha256:2"], await LeftAsync());
        _time.Later = TimeSpan.FromDays(8);
        Assert.Equal((0, 1), await sweeper.SweepAsync(Cancel));
        Assert.Equal(["other/1", "uploadsx", "v2/a/blobs/sha256:1", "other/2"], await LeftAsync());
    }

    private UploadSweeper Sweeper() => new(new RegistryServices(
        new ServerOptions(), new BucketRegistry(_store, new TransferEngine(new()), new BucketSettings(LayoutKind.V2, Public: false)), NullLogger.Instance, _time));

    private sealed class LaterTime : TimeProvider
    {
        public TimeSpan Later { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Later;
    }
}
