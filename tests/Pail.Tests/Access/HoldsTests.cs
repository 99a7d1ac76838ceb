using Pail.Buckets;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Cli;
using Pail.Transfer;

namespace Pail.Tests.Access;

/// <summary>Commands that write to a pool itself write down which repository holds what, where that is asked for, and nowhere else.</summary>
public sealed class HoldsTests : BucketCommands
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("plain")]
    [InlineData("index")]
    [InlineData("nested")]
    [InlineData("artifact")]
    public async Task Push_IntoAPreparedPool_HoldsAllOfTheImage_ForOnePutEach(string kind)
    {
        var digests = await PreparedAsync(kind);
        Assert.Equal(digests, await HeldAsync("first"));
        var (a, b) = await CostAsync("push", $"oci:{Folder[kind]}:1", $"{Bucket}//second:1");
        Assert.Equal(digests, await HeldAsync("second"));
        // Unchanged: no more than without holds.
        Assert.Equal((0, 2), await CostAsync("push", $"oci:{Folder[kind]}:1", $"{Bucket}//second:1"));
        // The same into a pool that has the image already, and keeps no holds: its manifests are taken for granted there, and written here.
        await UnpreparedAsync(kind);
        var (without, asked) = await CostAsync("push", $"oci:{Folder[kind]}:1", $"{Bucket}//second:1");
        Assert.Empty(await HeldAsync("second"));
        Assert.True(a > without && b > asked, $"{(a, b)} and {(without, asked)}");
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("nested")]
    public async Task Push_OfWhatIsNew_CostsOnePutMoreForEachBlobAndManifest(string kind)
    {
        await LayoutAsync(kind);
        (await Command.RunAsync("init", Bucket, "--layout", "pool")).Ended(0);
        var without = await CostAsync("push", $"oci:{Folder[kind]}:1", $"{Bucket}//app:1");
        Assert.Empty(await HeldAsync("app"));
        Directory.Delete(Folder["bucket"], recursive: true);
        (await Command.RunAsync("init", Bucket, "--layout", "pool")).Ended(0);
        (await Command.RunAsync("access", "prepare", Bucket)).Ended(0);
        var with = await CostAsync("push", $"oci:{Folder[kind]}:1", $"{Bucket}//app:1");
        Assert.Equal((without.A + (await HeldAsync("app")).Count, without.B), with);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        Assert.True((await OpenAsync()).Settings.Holds);
    }

    [Fact]
    public async Task CopyAndTag_WithinAPreparedPool_HoldAllOfTheImage()
    {
        var digests = await PreparedAsync("index");
        (await Command.RunAsync("copy", $"{Bucket}//first:1", $"{Bucket}//copied:1")).Ended(0);
        Assert.Equal(digests, await HeldAsync("copied"));
        var root = (await Command.RunAsync("digest", $"{Bucket}//first:1")).Ended(0).Output.Trim();
        (await Command.RunAsync("push", $"oci:{Folder["index"]}:1", $"{Bucket}//by-digest@{root}")).Ended(0);
        Assert.Equal(digests, await HeldAsync("by-digest"));
        // All digests are in all repositories of a pool, for those who reach the bucket itself.
        (await Command.RunAsync("tag", $"{Bucket}//tagged@{root}", "1")).Ended(0);
        Assert.Equal(digests, await HeldAsync("tagged"));
    }

    [Fact]
    public async Task Undelete_InAPreparedPool_HoldsWhatTheServerLetGo()
    {
        var digests = await PreparedAsync("index");
        var (bucket, first) = (await OpenAsync(), RepositoryName.Parse("first"));
        (await Command.RunAsync("rm", $"{Bucket}//first:1")).Ended(0);
        // As a DELETE of each through a server does.
        foreach (var digest in digests)
            await bucket.Holds.RemoveAsync(first, Digest.Parse(digest), Cancel);
        (await Command.RunAsync("undelete", $"{Bucket}//first:1")).Ended(0);
        Assert.Equal(digests, await HeldAsync("first"));
    }

    [Fact]
    public async Task Prepare_WhilePushesGoOn_FindsWhatCameBetween()
    {
        await UnpreparedAsync("index");
        var bucket = await OpenAsync();
        var (written, damaged) = await bucket.Holds.PrepareAsync(Cancel);
        Assert.Empty(damaged);
        Assert.Equal((await HeldAsync("first")).Count, written);
        Assert.True((await OpenAsync()).Settings.Holds);
        Assert.Equal(0, (await (await OpenAsync()).Holds.PrepareAsync(Cancel)).Written);
    }

    // A pool that keeps holds, and an image in it; returns its digests.
    private async Task<List<string>> PreparedAsync(string kind)
    {
        await UnpreparedAsync(kind);
        (await Command.RunAsync("access", "prepare", Bucket)).Ended(0);
        return await HeldAsync("first");
    }

    private async Task UnpreparedAsync(string kind)
    {
        await LayoutAsync(kind);
        if (Directory.Exists(Folder["bucket"]))
            Directory.Delete(Folder["bucket"], recursive: true);
        (await Command.RunAsync("init", Bucket, "--layout", "pool")).Ended(0);
        (await Command.RunAsync("push", $"oci:{Folder[kind]}:1", $"{Bucket}//first:1")).Ended(0);
        Assert.Empty(await HeldAsync("first"));
    }

    private async Task<Bucket> OpenAsync() => await Pail.Buckets.Bucket.OpenAsync(new FolderStore(Folder["bucket"], new RequestMeter()), new TransferEngine(new TransferOptions()), Cancel);

    private async Task<List<string>> HeldAsync(string repository) => await (await OpenAsync()).Store.ListObjectsAsync(new ListQuery($"{Holds.Prefix}{repository}/"), Cancel).Select(entry => entry.Key.Split('/')[^1]).Order().ToListAsync(Cancel);

    private static async Task<(long A, long B)> CostAsync(params string[] arguments)
    {
        var requests = Json(await Command.RunAsync([.. arguments, "--json", "--explain-cost"]))["requests"]!;
        return ((long)requests["classA"]!, (long)requests["classB"]!);
    }
}
