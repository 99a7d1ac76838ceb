using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Pulls;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Server.Uploads;
using Pail.Transfer;

namespace Pail.Tests.Pulls;

public sealed class PullTimesTests : IDisposable
{
    private static readonly RepositoryName App = RepositoryName.Parse("team/app");
    private static readonly Reference One = Reference.Parse("1.0");
    private static readonly Digest Named = Digest.Of([1]);

    private readonly TestFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 27, 10, 20, 0, TimeSpan.Zero));
    private readonly PullTimes _pulls;
    private readonly Bucket _bucket;

    public PullTimesTests()
    {
        FolderStore.Create(_folder["bucket"]);
        (_pulls, _bucket) = (new(_time), BucketOf(new FolderStore(_folder["bucket"], new RequestMeter())));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Flush_WithinTheHour_WritesNothing_AndOneObjectAfterIt()
    {
        _pulls.Record(App, One);
        _pulls.Record(App, Reference.Of(Named));
        await _pulls.FlushAsync(_bucket, end: false, Cancel);
        Assert.Empty(await ObjectsAsync());
        _time.Advance(TimeSpan.FromMinutes(41));
        _pulls.Record(App, One);
        await _pulls.FlushAsync(_bucket, end: false, Cancel);
        await _pulls.FlushAsync(_bucket, end: false, Cancel);
        Assert.StartsWith("2026-11-27-10/", Assert.Single(await ObjectsAsync()), StringComparison.Ordinal);
        await _pulls.FlushAsync(_bucket, end: true, Cancel);
        Assert.Equal(2, (await ObjectsAsync()).Count);
        await _pulls.FlushAsync(_bucket, end: true, Cancel);
        Assert.Equal(2, (await ObjectsAsync()).Count);
    }

    [Fact]
    public async Task History_FoldsAllWriters_ByTagAndDigest()
    {
        _pulls.Record(App, One);
        await _pulls.FlushAsync(_bucket, end: true, Cancel);
        _time.Advance(TimeSpan.FromHours(5));
        var other = new PullTimes(_time);
        other.Record(App, Reference.Of(Named));
        await other.FlushAsync(_bucket, end: true, Cancel);
        var history = await PullHistory.ReadAsync(_bucket, DateTimeOffset.MinValue, Cancel);
        Assert.Equal(new(2026, 11, 27, 10, 0, 0, TimeSpan.Zero), history.Since);
        Assert.Equal(_time.GetUtcNow().AddHours(-5), history.LastPull(App, "1.0", Digest.Of([2])));
        Assert.Equal(_time.GetUtcNow(), history.LastPull(App, "1.0", Named));
        Assert.Equal(_time.GetUtcNow(), history.LastPull(App, "2.0", Named));
        Assert.Null(history.LastPull(App, "2.0", Digest.Of([2])));
        Assert.Null(history.LastPull(RepositoryName.Parse("other"), "1.0", Named));
        var late = await PullHistory.ReadAsync(_bucket, _time.GetUtcNow().AddHours(-1), Cancel);
        Assert.Null(late.LastPull(App, "1.0", Digest.Of([2])));
        Assert.Equal(history.Since, late.Since);
    }

    [Fact]
    public async Task History_OfABucketWithoutRecords_SaysSo() => Assert.Null((await PullHistory.ReadAsync(_bucket, DateTimeOffset.MinValue, Cancel)).Since);

    [Fact]
    public async Task History_ObjectThatCantBeRead_IsAnError()
    {
        await _bucket.Store.PutAsync("pail/pulls/2026-11-27-10/x.json", new ReadOnlySequence<byte>("{"u8.ToArray()), V2Layout.ListHeaders, PutCondition.None, Cancel);
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => PullHistory.ReadAsync(_bucket, DateTimeOffset.MinValue, Cancel))).Failure);
    }

    [Fact]
    public async Task RemoveBefore_RemovesOldHoursOnly()
    {
        for (var hour = 0; hour < 4; hour++)
        {
            _pulls.Record(App, One);
            _time.Advance(TimeSpan.FromHours(1));
            await _pulls.FlushAsync(_bucket, end: false, Cancel);
        }
        Assert.Equal(2, await PullHistory.RemoveBeforeAsync(_bucket, new(2026, 11, 27, 12, 30, 0, TimeSpan.Zero), Cancel));
        Assert.Equal(["2026-11-27-12", "2026-11-27-13"], (await ObjectsAsync()).Select(name => name.Split('/')[0]));
    }

    [Fact]
    public async Task Flush_Refused_KeepsWhatItHas_AndStaysBounded()
    {
        var refuse = true;
        var store = new HookedStore(new FolderStore(_folder["bucket"], new RequestMeter())) { Before = call => refuse && call.Operation == StoreOperation.PutObject ? throw new StoreException(StoreError.AccessDenied, "no") : Task.CompletedTask };
        var bucket = BucketOf(store);
        for (var hour = 0; hour < 10; hour++)
        {
            _pulls.Record(App, Reference.Parse($"t{hour}"));
            _time.Advance(TimeSpan.FromHours(1));
            await Assert.ThrowsAsync<StoreException>(() => _pulls.FlushAsync(bucket, end: false, Cancel));
        }
        refuse = false;
        await _pulls.FlushAsync(bucket, end: true, Cancel);
        Assert.InRange((await ObjectsAsync()).Count, 1, 4);
        var history = await PullHistory.ReadAsync(_bucket, DateTimeOffset.MinValue, Cancel);
        Assert.All(Enumerable.Range(0, 10), hour => Assert.Equal(new DateTimeOffset(2026, 11, 27, 10, 20, 0, TimeSpan.Zero).AddHours(hour), history.LastPull(App, $"t{hour}", Named)));
    }

    [Fact]
    public void Records_PastTheirBounds_CountForTheRepository_ThenForAll()
    {
        var records = new PullRecords();
        var now = _time.GetUtcNow();
        for (var at = 0; at < PullRecords.MaxReferences + 10; at++)
            records.Record(App, Reference.Parse($"t{at}"), now);
        Assert.Equal(PullRecords.MaxReferences + 1, records.Count);
        Assert.Equal(now, records.LastPull(App, "anything", Named));
        Assert.Null(records.LastPull(RepositoryName.Parse("other"), "x", Named));
        for (var at = 0; at < PullRecords.MaxRepositories + 10; at++)
            records.Record(RepositoryName.Parse($"r{at}"), One, now);
        Assert.Equal(now, records.LastPull(RepositoryName.Parse("never-seen"), "x", Named));
        Assert.InRange(records.Count, PullRecords.MaxReferences, PullRecords.MaxReferences + PullRecords.MaxRepositories + 2);
        Assert.Equal(records.Write(), PullRecords.Read(records.Write(), "x").Write());
    }

    private static Bucket BucketOf(IObjectStore store) => new(store, new TransferEngine(new() { Retry = new() { Attempts = 1 } }), new BucketSettings(LayoutKind.V2, Public: false));

    private async Task<List<string>> ObjectsAsync() =>
        await _bucket.Store.ListObjectsAsync(new ListQuery("pail/pulls/"), Cancel).Select(entry => entry.Key["pail/pulls/".Length..]).ToListAsync(Cancel);
}
