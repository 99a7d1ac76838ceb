using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Cli;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Care;
using Pail.Tests.Cli;
using Pail.Tests.Images;

namespace Pail.Tests.Immutable;

/// <summary>Immutable tags of a bucket in a folder, by the command line and the library.</summary>
public sealed class ImmutableTagTests : IDisposable
{
    private const string Policy = """
        rules:
          - repositories: "**"
            keep: [{tags: latest}]
        immutable:
          - repositories: "team/**"
            tags: ["v*", only]
            except-tags: "v*-rc*"
          - repositories: "team/**"
            tags: "weekly-*"
            expire: true

        """;

    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TestFolder _folder = new();
    private CareBucket _bucket = null!;

    public static TheoryData<LayoutKind> Layouts { get; } = [.. Enum.GetValues<LayoutKind>()];

    public void Dispose()
    {
        _bucket?.Dispose();
        _folder.Dispose();
    }

    private string At(string image) => $"{_bucket.Address}//team/{image}";

    private async Task StartAsync(LayoutKind layout, string policy = Policy)
    {
        _bucket = await CareBucket.NewAsync(layout);
        await File.WriteAllTextAsync(_folder["policy"], policy, None);
        (await Command.RunAsync("policy", "set", _bucket.Address, _folder["policy"])).Ended(0);
    }

    // As another program does.
    private async Task WriteAsync(string policy) => await (await _bucket.OpenAsync()).Store.PutAsync(RetentionFile.Key, new(System.Text.Encoding.UTF8.GetBytes(policy)), new("application/yaml", "no-cache"), PutCondition.None, None);

    private async Task<string> LayoutAsync(MemoryImage image)
    {
        var name = Guid.NewGuid().ToString("n");
        await Copying.RunAsync(image, new Pail.OciLayout.OciLayoutSink(_folder[name], "1"), None);
        return $"oci:{_folder[name]}:1";
    }

    private async Task<Digest> DigestAsync(string image) => Digest.Parse((await Command.RunAsync("digest", At(image))).Ended(0).Output.Trim());

    private static void AssertRefused(Ran ran, string what)
    {
        var line = ran.Ended(ExitCode.Conflict).OneLine();
        Assert.Contains("immutable", line, StringComparison.Ordinal);
        Assert.Contains(what, line, StringComparison.Ordinal);
        Assert.Contains("line 5 of the policy", line, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Push_OtherDigest_IsRefusedBeforeAnythingIsSent(LayoutKind layout)
    {
        await StartAsync(layout);
        var (one, two) = (MemoryImage.Simple(), await LayoutAsync(MemoryImage.Simple()));
        await _bucket.PushAsync(one, "v1");
        await _bucket.PushAsync(MemoryImage.Simple(), "main");
        var before = await _bucket.KeysAsync();
        AssertRefused(await Command.RunAsync("push", two, At("app:v1")), $"names {one.Root!.Digest}");
        AssertRefused(await Command.RunAsync("push", "--dry-run", two, At("app:v1")), "team/app:v1");
        AssertRefused(await Command.RunAsync("copy", At("app:main"), At("app:v1")), "team/app:v1");
        AssertRefused(await Command.RunAsync("tag", At("app:main"), "v1"), "team/app:v1");
        Assert.Equal(before, await _bucket.KeysAsync());
        Assert.Equal(one.Root.Digest, await DigestAsync("app:v1"));
        // The same once more is no change.
        (await Command.RunAsync("push", await LayoutAsync(one), At("app:v1"))).Ended(0);
        (await Command.RunAsync("tag", At("app:v1"), "v1")).Ended(0);
        await _bucket.AssertWholeAsync(Reference.Parse("v1"));
    }

    [Theory]
    [InlineData("app:v1-rc1")] // an exception
    [InlineData("app:only2")] // patterns match whole names
    [InlineData("app:xonly")]
    [InlineData("app:xv1")]
    public async Task Push_TagThatNoPatternMatchesWhole_Moves(string image)
    {
        await StartAsync(LayoutKind.V2);
        foreach (var content in new[] { MemoryImage.Simple(), MemoryImage.Simple() })
        {
            (await Command.RunAsync("push", await LayoutAsync(content), At(image))).Ended(0);
            Assert.Equal(content.Root!.Digest, await DigestAsync(image));
        }
        (await Command.RunAsync("rm", At(image))).Ended(0);
    }

    [Fact]
    public async Task Copy_ManyTags_OneOfWhichIsThere_CopiesTheOthers()
    {
        await StartAsync(LayoutKind.V2);
        using var from = await CareBucket.NewAsync();
        foreach (var tag in new[] { "v1", "v2", "v3" })
            await from.PushAsync(MemoryImage.Simple(), tag);
        var mine = await _bucket.PushAsync(MemoryImage.Simple(), "v2");
        var ran = await Command.RunAsync("copy", "--tags", "*", $"{from.Address}//team/app", At("app"));
        Assert.Contains("team/app:v2 is immutable", ran.Ended(ExitCode.Conflict).Error, StringComparison.Ordinal);
        Assert.Equal(mine.Digest, await DigestAsync("app:v2"));
        await _bucket.AssertWholeAsync(Reference.Parse("v1"), Reference.Parse("v2"), Reference.Parse("v3"));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Rm_TagDigestChildOrRepository_IsRefusedAndRemovesNothing(LayoutKind layout)
    {
        await StartAsync(layout);
        var image = new MemoryImage();
        var child = image.AddImage([image.AddRandom(5)]);
        var index = image.AddIndex((child.Descriptor, "amd64"));
        await _bucket.PushAsync(image, "v1");
        await _bucket.PushAsync(MemoryImage.Simple(), "main");
        var before = await _bucket.KeysAsync();
        AssertRefused(await Command.RunAsync("rm", "--yes", At("app:v1")), "team/app:v1");
        AssertRefused(await Command.RunAsync("rm", "--yes", At("app:main"), At("app:v1")), "team/app:v1");
        AssertRefused(await Command.RunAsync("rm", "--yes", At($"app@{index.Digest}")), "team/app:v1");
        AssertRefused(await Command.RunAsync("rm", "--yes", At($"app@{child.Digest}")), "team/app:v1");
        AssertRefused(await Command.RunAsync("rm", "--yes", At("app")), "v1");
        Assert.Equal(before, await _bucket.KeysAsync());
        // What patterns match is passed over.
        var ran = (await Command.RunAsync("rm", "--yes", At("app:*"))).Ended(0);
        Assert.Contains("team/app:v1 stays: it is immutable", ran.Error, StringComparison.Ordinal);
        Assert.Equal([At("app:v1")], (await Command.RunAsync("ls", "--tags", _bucket.Address)).Ended(0).Lines);
        Assert.Contains("team/app stays", (await Command.RunAsync("rm", "--yes", At("*"))).Ended(ExitCode.NotFound).Error, StringComparison.Ordinal);
        await _bucket.AssertWholeAsync(Reference.Parse("v1"));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Library_DeletesNothingThatAnImmutableTagNeeds(LayoutKind layout)
    {
        await StartAsync(layout);
        var image = new MemoryImage();
        var (child, other) = (image.AddImage([image.AddRandom(5)]), image.AddImage([image.AddRandom(5)]));
        var inner = image.AddIndex((child.Descriptor, "amd64"));
        var index = image.AddIndex((inner.Descriptor, null), (child.Descriptor, "amd64"));
        await _bucket.PushAsync(image, "v1");
        var free = await _bucket.PushAsync(MemoryImage.Simple(), "main");
        var repository = (await _bucket.OpenAsync()).Repository(CareBucket.App);
        foreach (var digest in new[] { index.Digest, inner.Digest, child.Digest })
            await Assert.ThrowsAsync<ImmutableTagException>(() => repository.Manifests.DeleteAsync(digest, None));
        await Assert.ThrowsAsync<ImmutableTagException>(() => repository.Blobs.DeleteAsync(child.Layers[0].Digest, None));
        await Assert.ThrowsAsync<ImmutableTagException>(() => repository.Tags.DeleteAsync("v1", None));
        Assert.False(await repository.Tags.DeleteAsync("v9", None));
        await _bucket.AssertWholeAsync(Reference.Parse("v1"));
        Assert.True(await repository.Manifests.DeleteAsync(free.Digest, None));
        Assert.NotEqual(other.Digest, child.Digest);
    }

    [Fact]
    public async Task Rollback_ToWhatItWasBeforeThePolicy_IsRefused()
    {
        _bucket = await CareBucket.NewAsync();
        await _bucket.PushAsync(MemoryImage.Simple(), "v1");
        var now = await _bucket.PushAsync(MemoryImage.Simple(), "v1");
        await File.WriteAllTextAsync(_folder["policy"], Policy, None);
        (await Command.RunAsync("policy", "set", _bucket.Address, _folder["policy"])).Ended(0);
        AssertRefused(await Command.RunAsync("rollback", At("app:v1")), "team/app:v1");
        Assert.Equal(now.Digest, await DigestAsync("app:v1"));
    }

    [Fact]
    public async Task EntryThatLetsTagsExpire_LetsThemBeRemoved_AndNotMoved()
    {
        await StartAsync(LayoutKind.V2);
        var one = await _bucket.PushAsync(MemoryImage.Simple(), "weekly-1");
        var refused = await Command.RunAsync("push", await LayoutAsync(MemoryImage.Simple()), At("app:weekly-1"));
        Assert.Contains("line 8 of the policy", refused.Ended(ExitCode.Conflict).OneLine(), StringComparison.Ordinal);
        (await Command.RunAsync("rm", "--yes", At($"app@{one.Digest}"))).Ended(0);
        // Both what was removed, and something new, can be made.
        (await Command.RunAsync("undelete", At($"app@{one.Digest}"))).Ended(0);
        Assert.Equal(one.Digest, await DigestAsync("app:weekly-1"));
        (await Command.RunAsync("rm", At("app:weekly-1"))).Ended(0);
        (await Command.RunAsync("push", await LayoutAsync(MemoryImage.Simple()), At("app:weekly-1"))).Ended(0);
    }

    [Fact]
    public async Task TagsOfReferrers_AreNeverImmutable()
    {
        await StartAsync(LayoutKind.V2, "immutable: [{repositories: '**', tags: '*'}]");
        var image = await _bucket.PushAsync(MemoryImage.Simple(), "1");
        var tag = $"sha256-{image.Digest.Hex}.sig";
        await _bucket.PushAsync(MemoryImage.Simple(), tag);
        var second = await _bucket.PushAsync(MemoryImage.Simple(), tag);
        Assert.Equal(second.Digest, await DigestAsync($"app:{tag}"));
    }

    [Fact]
    public async Task Policy_TakenBack_LetsTagsMove()
    {
        await StartAsync(LayoutKind.V2);
        await _bucket.PushAsync(MemoryImage.Simple(), "v1");
        var older = await _bucket.OpenAsync();
        await File.WriteAllTextAsync(_folder["policy"], "rules: [{repositories: x, keep: [{last: 1}]}]", None);
        (await Command.RunAsync("policy", "set", _bucket.Address, _folder["policy"])).Ended(0);
        (await Command.RunAsync("push", await LayoutAsync(MemoryImage.Simple()), At("app:v1"))).Ended(0);
        // Who opened the bucket before looks at the policy there is.
        await older.Repository(CareBucket.App).Tags.DeleteAsync("v1", None);
    }

    [Fact]
    public async Task Policy_WrittenByAnotherProgram_IsSaidNotToBeInForce_UntilItIsSet()
    {
        _bucket = await CareBucket.NewAsync();
        await File.WriteAllTextAsync(_folder["policy"], Policy, None);
        await WriteAsync(Policy);
        Assert.Contains("Not in force", (await Command.RunAsync("policy", "check", _bucket.Address)).Ended(0).Error, StringComparison.Ordinal);
        // The file is there already; what pail.json says of it is not.
        (await Command.RunAsync("policy", "set", _bucket.Address, _folder["policy"])).Ended(0);
        Assert.DoesNotContain("Not in force", (await Command.RunAsync("policy", "check", _bucket.Address)).Ended(0).Error, StringComparison.Ordinal);
        await _bucket.PushAsync(MemoryImage.Simple(), "v1");
        AssertRefused(await Command.RunAsync("push", await LayoutAsync(MemoryImage.Simple()), At("app:v1")), "team/app:v1");
    }

    [Fact]
    public async Task Policy_ThatCantBeRead_RefusesWrites()
    {
        await StartAsync(LayoutKind.V2);
        await WriteAsync("immutable: 7");
        var line = (await Command.RunAsync("push", await LayoutAsync(MemoryImage.Simple()), At("app:main"))).Ended(ExitCode.BadContent).OneLine();
        Assert.Contains("pail policy set", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Init_Again_KeepsWhatIsSaidOfImmutableTags()
    {
        await StartAsync(LayoutKind.V2);
        (await Command.RunAsync("init", "--public", _bucket.Address)).Ended(0);
        await _bucket.PushAsync(MemoryImage.Simple(), "v1");
        AssertRefused(await Command.RunAsync("push", await LayoutAsync(MemoryImage.Simple()), At("app:v1")), "team/app:v1");
        var settings = System.Text.Json.Nodes.JsonNode.Parse((await SmallObject.ReadAsync((await _bucket.OpenAsync()).Store, BucketSettings.Key, 10_000, None))!.Bytes.Span)!;
        // What older Pails refuse.
        Assert.Equal(2, settings["version"]!.GetValue<int>());
    }

    [Fact]
    public async Task Push_OfWhatIsNotImmutable_CostsOneGetMore()
    {
        var costs = new List<(long A, long B)>();
        _bucket = await CareBucket.NewAsync();
        foreach (var policy in new[] { null, Policy })
        {
            if (policy is not null)
            {
                await File.WriteAllTextAsync(_folder["policy"], policy, None);
                (await Command.RunAsync("policy", "set", _bucket.Address, _folder["policy"])).Ended(0);
            }
            var ran = await Command.RunAsync("push", "--json", "--explain-cost", await LayoutAsync(MemoryImage.Simple()), At("app:main"));
            var requests = System.Text.Json.Nodes.JsonNode.Parse(ran.Ended(0).Output)!["requests"]!;
            costs.Add((requests["classA"]!.GetValue<long>(), requests["classB"]!.GetValue<long>()));
        }
        Assert.Equal((costs[0].A, costs[0].B + 1), costs[1]);
    }
}
