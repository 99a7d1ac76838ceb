using Pail.Oci;
using Pail.Stores;

namespace Pail.Tests.Stores;

// Writes that the store refuses when they come too late.
public abstract partial class ObjectStoreContract
{
    private static readonly TimeSpan Ample = TimeSpan.FromMinutes(10);

    private IFencedWrites? Fences => Store.Abilities.Fences;

    [Fact]
    public async Task FencedPut_InTime_WritesAllOfIt()
    {
        if (Fences is null)
            return;
        await PutAsync("other", "so that the store has answered once");
        using var fence = await Fences.OpenFenceAsync(Ample, Cancel);
        var headers = new ObjectHeaders(MediaTypes.OciManifest, "no-cache") { Metadata = new Dictionary<string, string> { ["dockercontentdigest"] = "sha256:0" } };
        var etag = await fence.PutAsync("v2/a/manifests/sha256:1+2 3", Bytes("one"), headers, PutCondition.None, Cancel);
        Assert.Equal("one", await TextAsync("v2/a/manifests/sha256:1+2 3"));
        var info = (await Store.HeadAsync("v2/a/manifests/sha256:1+2 3", Cancel))!;
        Assert.Equal((etag, MediaTypes.OciManifest), (info.ETag, info.ContentType));
        if (Traits.KeepsMetadata)
            Assert.Equal(("no-cache", "sha256:0"), (info.CacheControl, info.Metadata["dockercontentdigest"]));
    }

    [Fact]
    public async Task FencedPut_WithCondition_KeepsIt()
    {
        if (Fences is null || !Traits.PutIfAbsent)
            return;
        await PutAsync("k", "one");
        using var fence = await Fences.OpenFenceAsync(Ample, Cancel);
        Assert.Null(await fence.PutAsync("k", Bytes("two"), Plain, PutCondition.IfAbsent, Cancel));
        Assert.Equal("one", await TextAsync("k"));
        if (Traits.PutIfMatch)
            Assert.NotNull(await fence.PutAsync("k", Bytes("three"), Plain, PutCondition.IfMatch((await Store.HeadAsync("k", Cancel))!.ETag), Cancel));
    }

    [Fact]
    public async Task FencedDelete_OfMany_RemovesThoseAndNoOthers()
    {
        if (Fences is null)
            return;
        string[] keys = ["a", "b c+d/é", "v2/x/blobs/sha256:0"];
        foreach (var key in keys.Append("stays"))
            await PutAsync(key, key);
        using var fence = await Fences.OpenFenceAsync(Ample, Cancel);
        Assert.Empty(await fence.DeleteAsync([.. keys, "never there"], Cancel));
        Assert.Empty(await fence.DeleteAsync(["never there either"], Cancel));
        Assert.Equal(["stays"], await Store.ListObjectsAsync(new ListQuery(""), Cancel).Select(entry => entry.Key).ToListAsync(Cancel));
    }

    [Fact]
    public async Task FencedWrites_AfterTheEnd_AreRefused()
    {
        if (Fences is not { CanStayOpen: true })
            return;
        await PutAsync("k", "one");
        await PutAsync("l", "two");
        using var fence = await Fences.OpenFenceAsync(TimeSpan.FromSeconds(1), Cancel);
        // By the store's clock, which states whole seconds.
        await Task.Delay(TimeSpan.FromSeconds(4), Cancel);
        await FailsAsync(StoreError.FenceExpired, () => fence.PutAsync("k", Bytes("late"), Plain, PutCondition.None, Cancel));
        await FailsAsync(StoreError.FenceExpired, () => fence.DeleteAsync(["k"], Cancel));
        await FailsAsync(StoreError.FenceExpired, () => fence.DeleteAsync(["k", "l"], Cancel));
        Assert.Equal(("one", "two"), (await TextAsync("k"), await TextAsync("l")));
    }

    [Fact]
    public async Task Clock_OfTheStore_IsThatOfItsObjects()
    {
        if (Fences is null)
            return;
        await PutAsync("k", "one");
        var written = (await Store.HeadAsync("k", Cancel))!.Modified;
        Assert.InRange(Fences.Now!.Value, written - TimeSpan.FromSeconds(3), written + Ample);
    }

    [Fact]
    public async Task Settle_WhereFencesHoldALock_WaitsForThoseOpenedBefore()
    {
        if (Fences is not { CanStayOpen: false })
            return;
        using var before = await Fences.OpenFenceAsync(Ample, Cancel);
        var settled = Fences.SettleAsync(TimeSpan.Zero, Cancel);
        // Whether this one is opened before settling began is not known: it does not wait.
        using var after = await Fences.OpenFenceAsync(Ample, Cancel);
        Assert.NotNull(await after.PutAsync("k", Bytes("one"), Plain, PutCondition.None, Cancel));
        Assert.False(settled.IsCompleted);
        before.Dispose();
        after.Dispose();
        await settled;
        using var last = await Fences.OpenFenceAsync(Ample, Cancel);
    }

    [Fact]
    public async Task Settle_WhereFencesHoldALock_DoesNotWaitForThoseOpenedLater()
    {
        if (Fences is not { CanStayOpen: false })
            return;
        // Nothing tells when settling has begun: it is given longer each time.
        for (var head = TimeSpan.FromMilliseconds(20); ; head *= 5)
        {
            using var before = await Fences.OpenFenceAsync(Ample, Cancel);
            var settled = Fences.SettleAsync(TimeSpan.Zero, Cancel);
            await Task.Delay(head, Cancel);
            using var after = await Fences.OpenFenceAsync(Ample, Cancel);
            before.Dispose();
            await Task.WhenAny(settled, Task.Delay(head * 10, Cancel));
            if (settled.IsCompletedSuccessfully)
                return;
            after.Dispose();
            await settled;
            Assert.True(head < Ample, "settling waited for a fence that was opened long after it began");
        }
    }
}
