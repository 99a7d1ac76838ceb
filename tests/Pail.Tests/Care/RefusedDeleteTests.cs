using System.Buffers;
using Pail.Buckets;
using Pail.Oci;
using Pail.Removal;
using Pail.Stores;
using Pail.Tests.Images;

namespace Pail.Tests.Care;

/// <summary>Deletes that the store refuses, and pushes while something is removed.</summary>
public sealed class RefusedDeleteTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private static async Task<RemovalReport> RemoveAsync(Bucket bucket, string images, Func<Task>? between = null)
    {
        var patterns = new List<ImagePattern> { ImagePattern.Parse(images) };
        var plan = await new RemovalPlanner(bucket, null).PlanAsync(patterns, None);
        await (between?.Invoke() ?? Task.CompletedTask);
        return await new Remover(bucket, purge: false).RunAsync(plan, patterns, None);
    }

    [Fact]
    public async Task Remove_StoreRefusesSomeKeys_TellsEachAndKeepsWhatTheyNeed()
    {
        using var bucket = await CareBucket.NewAsync(inMemory: true);
        var image = new MemoryImage();
        var child = image.AddImage([image.AddRandom(5)]);
        var index = image.AddIndex((child.Descriptor, "amd64"));
        await bucket.PushAsync(image, "locked");
        var other = await bucket.PushAsync(MemoryImage.Simple(), "1");
        var report = await RemoveAsync(await bucket.OpenAsync(store => new LockedStore(store, key => key.EndsWith("/locked", StringComparison.Ordinal))), "team/app");
        Assert.Equal([$"team/app:1", $"team/app@{other.Digest}"], report.Removed);
        var (what, why) = Assert.Single(report.Failed);
        Assert.Equal("team/app:locked", what);
        Assert.Equal(Failure.Denied, why.Failure);
        await bucket.AssertWholeAsync(Reference.Parse("locked"), Reference.Of(index.Digest), Reference.Of(child.Digest));
    }

    [Fact]
    public async Task Remove_TagPushedAgainAfterItWasPlanned_Stays()
    {
        using var bucket = await CareBucket.NewAsync(inMemory: true);
        await bucket.PushAsync(MemoryImage.Simple(), "1");
        await bucket.PushAsync(MemoryImage.Simple(), "2");
        var report = await RemoveAsync(await bucket.OpenAsync(), "team/app:*", () => bucket.PushAsync(MemoryImage.Simple(), "2"));
        Assert.Equal(["team/app:1"], report.Removed);
        Assert.Equal(["team/app:2"], report.Kept);
        await bucket.AssertWholeAsync(Reference.Parse("2"));
    }

    [Fact]
    public async Task Remove_RepositoryPushedToMeanwhile_KeepsItsManifests()
    {
        using var bucket = await CareBucket.NewAsync(inMemory: true);
        var image = new MemoryImage();
        var child = image.AddImage([image.AddRandom(5)]);
        await bucket.PushAsync(image, "child");
        var report = await RemoveAsync(await bucket.OpenAsync(), "team/app", async () =>
        {
            // Finds the child, and sends the index alone.
            image.AddIndex((child.Descriptor, "amd64"));
            await bucket.PushAsync(image, "new");
        });
        Assert.Equal(["team/app:child"], report.Removed);
        Assert.Equal([$"team/app@{child.Digest}"], report.Kept);
        await bucket.AssertWholeAsync(Reference.Parse("new"), Reference.Of(child.Digest));
    }

    [Fact]
    public async Task Remove_TagDeletedAndPushedByOthersAllTheTime_EndsOneWayOrTheOther()
    {
        using var bucket = await CareBucket.NewAsync(open: true, inMemory: true);
        var images = new[] { await bucket.PushAsync(MemoryImage.Simple(), "a"), await bucket.PushAsync(MemoryImage.Simple(), "b") };
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async who =>
        {
            var repository = (await bucket.OpenAsync()).Repository(CareBucket.App);
            for (var n = 0; n < 25; n++)
                await (who % 2 == 0 ? repository.Tags.DeleteAsync("latest", None) : repository.Tags.PutAsync(images[n % 2], "latest", None));
        }));
        var opened = await bucket.OpenAsync();
        var there = (await opened.Repository(CareBucket.App).Tags.LookAsync("latest", None)).Exists;
        var list = await SmallObject.ReadAsync(opened.Store, Pail.Buckets.Layouts.V2Layout.TagListKey(CareBucket.App), 1 << 20, None);
        Assert.Equal(there, NameList.Read(list?.Bytes, NameList.Tags).Contains("latest"));
        await bucket.AssertWholeAsync(Reference.Parse("a"), Reference.Parse("b"));
    }

    /// <summary>Refuses to delete some keys, as object locks do.</summary>
    private sealed class LockedStore(IObjectStore inner, Func<string, bool> isLocked) : StoreLayer(inner), IFencedWrites
    {
        public override StoreAbilities Abilities => Inner.Abilities with { Fences = this };

        public DateTimeOffset? Now => null;

        public bool CanStayOpen => true;

        public Task<IWriteFence> OpenFenceAsync(TimeSpan life, CancellationToken cancel = default) => Task.FromResult<IWriteFence>(new Fence(this, isLocked));

        public Task SettleAsync(TimeSpan time, CancellationToken cancel = default) => Task.CompletedTask;

        private sealed class Fence(LockedStore store, Func<string, bool> isLocked) : IWriteFence
        {
            public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) => store.PutAsync(key, body, headers, condition, cancel);

            public async Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancel = default)
            {
                foreach (var key in keys.Where(key => !isLocked(key)))
                    await store.DeleteAsync(key, cancel);
                return [.. keys.Where(isLocked).Select(key => new FailedDelete(key, new StoreException(StoreError.AccessDenied, "Object is WORM protected.")))];
            }

            public void Dispose()
            {
            }
        }
    }
}
