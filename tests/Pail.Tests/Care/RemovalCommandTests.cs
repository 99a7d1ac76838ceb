using Pail.Buckets;
using Pail.Cli;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Cli;

namespace Pail.Tests.Care;

/// <summary><c>pail rm</c>, <c>undelete</c>, <c>history</c>, <c>rollback</c> and <c>--at</c> on a folder.</summary>
[Trait("Also", "Native")]
public sealed class RemovalCommandTests : IAsyncLifetime
{
    private CareBucket _bucket = null!;

    private string At(string image) => $"{_bucket.Address}//team/{image}";

    public async ValueTask InitializeAsync() => _bucket = await CareBucket.NewAsync();

    public ValueTask DisposeAsync()
    {
        _bucket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<string[]> TagsAsync() => (await Command.RunAsync("ls", "--tags", _bucket.Address)).Ended(0).Lines;

    private async Task<(Manifest Index, Manifest Both, Manifest Alone, Manifest Signature)> PushIndexesAsync()
    {
        var image = new MemoryImage();
        var (both, alone) = (image.AddImage([image.AddRandom(5)]), image.AddImage([image.AddRandom(5)]));
        image.AddIndex((both.Descriptor, "amd64"));
        await _bucket.PushAsync(image, "other");
        var index = image.AddIndex((both.Descriptor, "amd64"), (alone.Descriptor, "arm64"));
        await _bucket.PushAsync(image, "multi");
        var signature = image.AddImage([image.AddRandom(5)], index.Descriptor, "text/signature");
        await _bucket.PushAsync(image, "signature");
        return (index, both, alone, signature);
    }

    [Fact]
    public async Task Rm_Pattern_MatchesWholeNamesAndNoSlash()
    {
        foreach (var (repository, tag) in new[] { ("app", "pr-1"), ("app", "xpr-1"), ("app", "main"), ("app/deep", "pr-2"), ("web", "pr-3") })
            await _bucket.PushAsync(MemoryImage.Simple(), tag, repository: RepositoryName.Parse($"team/{repository}"));
        (await Command.RunAsync("rm", At("*:pr-*"))).Ended(ExitCode.BadUsage).OneLine();
        Assert.Equal(5, (await TagsAsync()).Length);
        Assert.Equal([At("app:pr-1"), At("web:pr-3")], (await Command.RunAsync("rm", "--dry-run", At("*:pr-*"))).Ended(0).Lines);
        Assert.Equal(5, (await TagsAsync()).Length);
        (await Command.RunAsync("rm", "--yes", At("*:pr-*"))).Ended(0);
        Assert.Equal([At("app/deep:pr-2"), At("app:main"), At("app:xpr-1")], (await TagsAsync()).Order(StringComparer.Ordinal));
        (await Command.RunAsync("rm", "--yes", At("**:pr-*"))).Ended(0);
        Assert.Equal([At("app:main"), At("app:xpr-1")], (await TagsAsync()).Order(StringComparer.Ordinal));
        (await Command.RunAsync("rm", "--yes", At("**:pr-*"))).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task Rm_DryRun_ChangesNothing()
    {
        var (index, _, _, _) = await PushIndexesAsync();
        var before = await _bucket.KeysAsync();
        foreach (var image in new[] { At("app:multi"), At("app"), At("app:*"), At($"app@{index.Digest}"), $"{_bucket.Address}//**" })
            Assert.NotEmpty((await Command.RunAsync("rm", "--dry-run", image)).Ended(0).Lines);
        Assert.Equal(before, await _bucket.KeysAsync());
    }

    [Fact]
    public async Task Rm_Digest_NamesWhatGoesAlongWhatIsLeftAndWhatStays()
    {
        var (index, both, alone, signature) = await PushIndexesAsync();
        var ran = (await Command.RunAsync("rm", "--dry-run", At($"app@{index.Digest}"))).Ended(0);
        Assert.Equal([At("app:multi"), At($"app@{index.Digest}")], ran.Lines);
        Assert.Contains($"{alone.Digest}, a part of it, stays, though nothing else names it", ran.Error, StringComparison.Ordinal);
        Assert.Matches($"{both.Digest}, a part of it, stays: .*needs? it", ran.Error);
        Assert.Contains($"{signature.Digest}, which refers to it, stays", ran.Error, StringComparison.Ordinal);
        (await Command.RunAsync("rm", At($"app@{index.Digest}"))).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("rm", "--yes", At($"app@{index.Digest}"))).Ended(0);
        var repository = (await _bucket.OpenAsync()).Repository(CareBucket.App);
        Assert.Null(await repository.Manifests.FindAsync(Reference.Of(index.Digest), TestContext.Current.CancellationToken));
        await _bucket.AssertWholeAsync(Reference.Parse("other"), Reference.Of(alone.Digest), Reference.Parse("signature"));
    }

    [Fact]
    public async Task Rm_ChildOfAnIndex_IsRefused()
    {
        var (index, both, _, _) = await PushIndexesAsync();
        Assert.Contains(index.Digest.ToString(), (await Command.RunAsync("rm", "--yes", At($"app@{both.Digest}"))).Ended(ExitCode.Conflict).OneLine(), StringComparison.Ordinal);
        await _bucket.AssertWholeAsync(Reference.Parse("multi"), Reference.Parse("other"));
    }

    [Fact]
    public async Task Rm_DigestWithoutTags_GoesWithoutAsking()
    {
        var image = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        (await Command.RunAsync("rm", At("app:1"))).Ended(0);
        (await Command.RunAsync("rm", At($"app@{image.Digest}"))).Ended(0);
        (await Command.RunAsync("rm", At($"app@{image.Digest}"))).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task Rm_OneOfTwoNotThere_RemovesNone()
    {
        await _bucket.PushAsync(MemoryImage.Simple(), "1");
        (await Command.RunAsync("rm", At("app:1"), At("app:2"))).Ended(ExitCode.NotFound).OneLine();
        Assert.Equal([At("app:1")], await TagsAsync());
    }

    [Fact]
    public async Task Rm_OlderThan_LeavesWhatIsYounger()
    {
        await _bucket.PushAsync(MemoryImage.Simple(), "1");
        (await Command.RunAsync("rm", "--yes", "--older-than", "1h", At("app:*"))).Ended(ExitCode.NotFound).OneLine();
        Assert.Equal([At("app:1")], await TagsAsync());
        (await Command.RunAsync("rm", "--yes", "--older-than", "0s", At("app"))).Ended(0);
        Assert.Empty(await TagsAsync());
    }

    [Fact]
    public async Task Rm_Purge_KeepsNothing()
    {
        await _bucket.PushAsync(MemoryImage.Simple(), "1");
        (await Command.RunAsync("rm", "--purge", At("app:1"))).Ended(0);
        Assert.Empty(await _bucket.KeysAsync(RemovedKey.Prefix));
        (await Command.RunAsync("undelete", At("app:1"))).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task Undelete_Tag_BringsItBackWithItsHistory()
    {
        var one = await _bucket.PushAsync(MemoryImage.Simple(), "1", "ann");
        var two = await _bucket.PushAsync(MemoryImage.Simple(), "1", "bob");
        (await Command.RunAsync("rm", At("app:1"))).Ended(0);
        var listed = (await Command.RunAsync("undelete", "--list", At("**"))).Ended(0);
        Assert.StartsWith(At("app:1"), Assert.Single(listed.Lines), StringComparison.Ordinal);
        Assert.Empty(await TagsAsync());
        (await Command.RunAsync("undelete", At("app:1"))).Ended(0);
        Assert.Equal([At("app:1")], await TagsAsync());
        var rows = (await Command.RunAsync("history", At("app:1"))).Ended(0).Lines;
        Assert.Equal([two.Digest.ToString(), "(removed)", two.Digest.ToString(), one.Digest.ToString()], rows.Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2]));
        (await Command.RunAsync("undelete", At("app:1"))).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task Undelete_TagThatIsSomethingElseNow_IsRefused()
    {
        await _bucket.PushAsync(MemoryImage.Simple(), "1");
        (await Command.RunAsync("rm", At("app:1"))).Ended(0);
        var other = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        (await Command.RunAsync("undelete", At("app:1"))).Ended(ExitCode.Conflict);
        Assert.Equal([other.Digest.ToString()], (await Command.RunAsync("digest", At("app:1"))).Ended(0).Lines);
    }

    [Fact]
    public async Task Undelete_PartGone_IsRefusedAndChangesNothing()
    {
        var image = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        (await Command.RunAsync("rm", "--yes", At("app"))).Ended(0);
        var bucket = await _bucket.OpenAsync();
        await bucket.Repository(CareBucket.App).Blobs.DeleteAsync(image.Layers[0].Digest, TestContext.Current.CancellationToken);
        var before = await _bucket.KeysAsync();
        Assert.Contains(image.Layers[0].Digest.ToString(), (await Command.RunAsync("undelete", At("app:1"))).Ended(ExitCode.NotFound).Error, StringComparison.Ordinal);
        Assert.Equal(before, await _bucket.KeysAsync());
    }

    [Fact]
    public async Task Rollback_OneBackAndByDigestAndTime_MovesTheTag()
    {
        var one = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        var two = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        var three = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        (await Command.RunAsync("rollback", At("app:1"))).Ended(0);
        Assert.Equal([two.Digest.ToString()], (await Command.RunAsync("digest", At("app:1"))).Ended(0).Lines);
        (await Command.RunAsync("rollback", At("app:1"))).Ended(0);
        Assert.Equal([three.Digest.ToString()], (await Command.RunAsync("digest", At("app:1"))).Ended(0).Lines);
        (await Command.RunAsync("rollback", "--to", one.Digest.ToString(), At("app:1"))).Ended(0);
        Assert.Equal([one.Digest.ToString()], (await Command.RunAsync("digest", At("app:1"))).Ended(0).Lines);
        (await Command.RunAsync("rollback", "--to", "2020-01-01", At("app:1"))).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("rollback", "--to", "0s", At("app:1"))).Ended(0);
        (await Command.RunAsync("rollback", "--to", "99", At("app:1"))).Ended(ExitCode.NotFound).OneLine();
        Assert.Equal(6, (await Command.RunAsync("history", At("app:1"))).Ended(0).Lines.Length);
    }

    [Fact]
    public async Task Rollback_PartGone_MovesNothing()
    {
        var one = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        var two = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        await (await _bucket.OpenAsync()).Repository(CareBucket.App).Blobs.DeleteAsync(one.Layers[0].Digest, TestContext.Current.CancellationToken);
        Assert.Contains(one.Layers[0].Digest.ToString(), (await Command.RunAsync("rollback", At("app:1"))).Ended(ExitCode.BadContent).OneLine(), StringComparison.Ordinal);
        Assert.Equal([two.Digest.ToString()], (await Command.RunAsync("digest", At("app:1"))).Ended(0).Lines);
    }

    [Fact]
    public async Task At_ATime_ReadsWhatTheTagNamedThen()
    {
        var one = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        // History counts seconds.
        await Task.Delay(2100, TestContext.Current.CancellationToken);
        var time = DateTimeOffset.UtcNow.AddSeconds(-1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        await Task.Delay(1100, TestContext.Current.CancellationToken);
        var two = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        Assert.Equal([one.Digest.ToString()], (await Command.RunAsync("digest", "--at", time, At("app:1"))).Ended(0).Lines);
        Assert.Equal([two.Digest.ToString()], (await Command.RunAsync("digest", At("app:1"))).Ended(0).Lines);
        (await Command.RunAsync("copy", "--at", time, At("app:1"), At("app:old"))).Ended(0);
        Assert.Equal([one.Digest.ToString()], (await Command.RunAsync("digest", At("app:old"))).Ended(0).Lines);
        (await Command.RunAsync("pull", "--at", "2020-01-01", At("app:1"), "oci:nowhere")).Ended(ExitCode.NotFound).OneLine();
    }
}
