using System.Buffers;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Server;
using Pail.Server.Uploads;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit.Servers;
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
    private readonly DateTimeOffset _start = DateTimeOffset.UtcNow;
    private readonly FakeTimeProvider _time;

    public UploadSweeperTests() => (_store, _time) = (new FolderStore(_folder.FullName, _meter), new FakeTimeProvider(_start));

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
        await using var server = await TestServer.StartReplicasAsync(_store, count: 2, time: _time, wrap: dying);
        var blob = new TestBlob(20 * MiB);
        var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        var patched = await server.SendAsync("PATCH", location, Bodies.Streamed(blob.Bytes));
        if (patched.Status == 202)
            await server.SendAsync("PUT", $"{patched.Location}?digest={blob.Descriptor.Digest}", Bodies.Empty());
        Assert.True(dead);

        // The client goes on, if it got so far, or begins anew, elsewhere.
        if (patched.Status != 202)
            patched = (await server.SendAsync("PATCH", location, Bodies.Streamed(blob.Bytes), replica: 1)).Is(202);
        (await server.SendAsync("PUT", $"{patched.Location}?digest={blob.Descriptor.Digest}", Bodies.Empty(), replica: 1)).Is(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));

        var sweeper = Sweeper();
        Assert.Equal((0, 0), await sweeper.SweepAsync(Cancel));
        _time.SetUtcNow(_start + TimeSpan.FromHours(49));
        await sweeper.SweepAsync(Cancel);
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
        Assert.Empty(await _store.ListUploadsAsync("", Cancel));
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
    }

    [Fact]
    public async Task Session_NotUsedForItsLifetime_IsUnknown()
    {
        await using var server = await TestServer.StartReplicasAsync(_store, time: _time);
        var location = (await server.SendAsync("PATCH", (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location, Bodies.Sized([1]))).Location;
        _time.SetUtcNow(_start + TimeSpan.FromHours(23.9));
        (await server.SendAsync("GET", location)).Is(204);
        _time.SetUtcNow(_start + TimeSpan.FromHours(24.1));
        (await server.SendAsync("GET", location)).Is(404);
        (await server.SendAsync("PUT", $"{location}?digest={Digest.Of([1])}", Bodies.Empty())).Is(404);
    }

    // What other programs keep in a bucket that Pail shares with them, whatever their keys look like.
    private static readonly string[] Foreign =
    [
        "uploads/photo.jpg", $"uploads/{Guid.Empty:n}/00000000-0000000000000000-0000000000000001", "uploadsx", "other/1", "pail/other", "pail/uploads/notes",
        $"pail/uploads/{Guid.Empty:n}/readme", $"pail/uploads/{Guid.Empty:n}/0-0-1", $"pail/uploads/{Guid.Empty:n}/00000000-0000000000000000-000000000000000A",
        $"pail/uploads/{Guid.Empty}/direct", $"v2/team/app/blobs/{Digest.Of([7])}", "v2/movie.mkv", "blobs/backup.tar",
    ];

    private static readonly string[] Own =
    [
        StagingKey.OfPiece(Guid.NewGuid(), 0, new(1, 0)), StagingKey.OfPiece(Guid.NewGuid(), 12, new(ulong.MaxValue, 0xabc)), StagingKey.OfDirect(Guid.NewGuid()),
    ];

    [Fact]
    public async Task Sweep_TakesWhatIsOldAndItsOwn_WithTwoRequests()
    {
        await FillAsync();
        var sweeper = Sweeper();
        _time.SetUtcNow(_start + TimeSpan.FromHours(47));
        var before = _meter.ClassA;
        Assert.Equal((0, 0), await sweeper.SweepAsync(Cancel));
        Assert.Equal(2, _meter.ClassA - before);
        _time.SetUtcNow(_start + TimeSpan.FromHours(49));
        // Two replicas at the same time.
        await Task.WhenAll(sweeper.SweepAsync(Cancel), Sweeper().SweepAsync(Cancel));
        Assert.Equal(Foreign.Order(StringComparer.Ordinal), (await ObjectsAsync()).Order(StringComparer.Ordinal));
        Assert.Equal(Foreign.Order(StringComparer.Ordinal), await UploadsAsync());
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Sweep_InABucketThatOthersWriteTo_NeverTouchesTheirs(LayoutKind layout)
    {
        await FillAsync();
        _time.SetUtcNow(_start + TimeSpan.FromDays(1000));
        Assert.Equal((Own.Length, Own.Length), await Sweeper(new HookedStore(_store), layout).SweepAsync(Cancel));
        Assert.Equal(Foreign.Order(StringComparer.Ordinal), (await ObjectsAsync()).Order(StringComparer.Ordinal));
        Assert.Equal(Foreign.Order(StringComparer.Ordinal), await UploadsAsync());
    }

    [Fact]
    public async Task Sweep_OfAFolder_AbortsUnfinishedBlobsAfterAWeek()
    {
        await FillAsync();
        _time.SetUtcNow(_start + TimeSpan.FromDays(6.9));
        await Sweeper().SweepAsync(Cancel);
        Assert.Equal(Foreign.Length, (await UploadsAsync()).Count);
        _time.SetUtcNow(_start + TimeSpan.FromDays(8));
        // In a folder nobody else can have begun it.
        Assert.Equal((0, 1), await Sweeper().SweepAsync(Cancel));
        Assert.DoesNotContain($"v2/team/app/blobs/{Digest.Of([7])}", await UploadsAsync());
        Assert.Equal(Foreign.Length, (await ObjectsAsync()).Count);
    }

    private async Task FillAsync()
    {
        var headers = new ObjectHeaders(MediaTypes.OctetStream);
        foreach (var key in Foreign.Concat(Own))
        {
            await _store.PutAsync(key, new ReadOnlySequence<byte>([1]), headers, PutCondition.None, Cancel);
            await _store.CreateUploadAsync(key, headers, Cancel);
        }
    }

    private async Task<IReadOnlyList<string>> ObjectsAsync() => [.. (await _store.ListAsync(new(""), Cancel)).Objects.Select(entry => entry.Key)];

    private async Task<IReadOnlyList<string>> UploadsAsync() => [.. (await _store.ListUploadsAsync("", Cancel)).Select(pending => pending.Upload.Key).Order(StringComparer.Ordinal)];

    private UploadSweeper Sweeper(IObjectStore? store = null, LayoutKind layout = LayoutKind.V2) => new(new RegistryServices(
        new ServerOptions(), new Bucket(store ?? _store, new TransferEngine(new()), new BucketSettings(layout, Public: false)), NullLogger.Instance, _time));
}
