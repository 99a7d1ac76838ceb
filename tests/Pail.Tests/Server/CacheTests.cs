using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using Pail.Oci;
using Pail.Server.Caches;
using Pail.Stores;

namespace Pail.Tests.Server;

/// <summary>What replicas remember never hides for longer than stated what others do.</summary>
public sealed class CacheTests() : ServerTests(new FolderBucket())
{
    private readonly FakeTimeProvider _clock = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tag_WithinItsLifetime_IsBelieved_ThenAskedFor()
    {
        await using var server = await StartAsync(options => options with { TagLifetime = TimeSpan.FromSeconds(10) }, _clock);
        var first = await Server.PushAsync(App, "1");
        Assert.Equal((0, 1), await server.CostAsync(async () => (await server.GetAsync($"/v2/{App}/manifests/1")).Is(200)));
        Assert.Equal((0, 0), await server.CostAsync(async () => (await server.GetAsync($"/v2/{App}/manifests/1")).Is(200)));
        var second = await Server.PushAsync(App, "1");
        Assert.Equal(first.ToString(), (await server.GetAsync($"/v2/{App}/manifests/1"))["Docker-Content-Digest"]);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(second.ToString(), (await server.GetAsync($"/v2/{App}/manifests/1"))["Docker-Content-Digest"]);
    }

    [Fact]
    public async Task Tag_ChangedHere_IsSeenAtOnce()
    {
        await using var server = await StartAsync(options => options with { TagLifetime = TimeSpan.FromHours(1) }, _clock);
        await server.PushAsync(App, "1");
        (await server.GetAsync($"/v2/{App}/manifests/1")).Is(200);
        var second = await server.PushAsync(App, "1");
        Assert.Equal(second.ToString(), (await server.GetAsync($"/v2/{App}/manifests/1"))["Docker-Content-Digest"]);
        (await server.DeleteAsync($"/v2/{App}/manifests/{second}")).Is(202);
        (await server.GetAsync($"/v2/{App}/manifests/1")).Is(404);
    }

    [Fact]
    public async Task Manifest_DeletedByAnother_IsGoneAfterItsLifetime()
    {
        await using var server = await StartAsync(options => options with { DigestLifetime = TimeSpan.FromSeconds(60) }, _clock);
        var digest = await Server.PushAsync(App, "1");
        (await server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200);
        (await Server.DeleteAsync($"/v2/{App}/manifests/{digest}")).Is(202);
        (await Server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(404);
        (await server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200);
        (await server.GetAsync($"/v2/{App}/manifests/1")).Is(404);
        _clock.Advance(TimeSpan.FromSeconds(60));
        (await server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(404);
    }

    [Fact]
    public async Task Manifest_StillThereAfterItsLifetime_IsConfirmedByOneHead()
    {
        await using var server = await StartAsync(time: _clock);
        var digest = await Server.PushAsync(App, "1");
        (await server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200);
        _clock.Advance(TimeSpan.FromHours(1));
        var before = Meter.Counts.GetValueOrDefault(StoreOperation.HeadObject);
        Assert.Equal((0, 1), await server.CostAsync(async () => (await server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200)));
        Assert.Equal(before + 1, Meter.Counts[StoreOperation.HeadObject]);
        Assert.Equal((0, 0), await server.CostAsync(async () => (await server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200)));
    }

    [Fact]
    public async Task Blob_DeletedByAnother_IsGoneAfterItsLifetime()
    {
        await using var server = await StartAsync(time: _clock);
        var blob = await Server.AddBlobAsync(App, [1]);
        var path = $"/v2/{App}/blobs/{blob.Digest}";
        (await server.HeadAsync(path)).Is(200);
        (await Server.DeleteAsync(path)).Is(202);
        _clock.Advance(TimeSpan.FromSeconds(60));
        (await server.HeadAsync(path)).Is(404);
    }

    [Fact]
    public async Task Tag_OfAnObjectWithoutItsDigest_IsTheSameWhileItsETagIs()
    {
        await using var server = await StartAsync();
        var bytes = await Server.AddImageAsync(App);
        var key = $"v2/{App}/manifests/1";
        await Store.PutAsync(key, new ReadOnlySequence<byte>(bytes), new ObjectHeaders(MediaTypes.OciManifest), PutCondition.None, Cancel);
        (await server.GetAsync($"/v2/{App}/manifests/1")).Is(200);
        Assert.Equal((0, 1), await server.CostAsync(async () => Assert.Equal(bytes, (await server.GetAsync($"/v2/{App}/manifests/1")).Is(200).Body)));
        var other = await Server.AddImageAsync(App);
        await Store.PutAsync(key, new ReadOnlySequence<byte>(other), new ObjectHeaders(MediaTypes.OciManifest), PutCondition.None, Cancel);
        Assert.Equal(other, (await server.GetAsync($"/v2/{App}/manifests/1")).Is(200).Body);
    }

    [Fact]
    public async Task DeleteAndPull_AtOnce_WhatIsDeletedStaysGone()
    {
        for (var round = 0; round < 20; round++)
        {
            var digest = await Server.PushAsync(App, "1");
            await using var server = await StartAsync();
            var pulls = Enumerable.Range(0, 8).Select(_ => server.GetAsync($"/v2/{App}/manifests/{digest}")).ToList();
            var deletion = server.DeleteAsync($"/v2/{App}/manifests/{digest}");
            await Task.WhenAll(pulls);
            (await deletion).Is(202);
            (await server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(404);
        }
    }

    [Fact]
    public void BoundedCache_Filled_HoldsWhatWasUsedLatelyAndNoMoreThanItsBound()
    {
        var cache = new BoundedCache<int, string>(100, text => text.Length);
        for (var i = 0; i < 10_000; i++)
        {
            cache.Set(i, "0123456789");
            Assert.True(cache.TryGet(0, out _));
        }
        Assert.True(Enumerable.Range(0, 10_000).Count(i => cache.TryGet(i, out _)) <= 11);
        cache.Set(-1, new string('x', 51));
        Assert.False(cache.TryGet(-1, out _));
    }

    [Fact]
    public void BoundedCache_RemovedMeanwhile_IsNotPutBack()
    {
        var cache = new BoundedCache<int, string>(100, text => text.Length);
        var seen = cache.Removals;
        cache.Remove(1);
        cache.Set(1, "x", seen);
        Assert.False(cache.TryGet(1, out _));
        cache.Set(1, "x", cache.Removals);
        Assert.True(cache.TryGet(1, out _));
    }
}
