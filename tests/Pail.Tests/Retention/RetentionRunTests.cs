using System.Text;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Retention;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Retention;

/// <summary>What is dropped goes, can be brought back for a while, and takes with it what only it led to; nothing else goes.</summary>
public sealed class RetentionRunTests
{
    private const string LastTwo = "rules:\n  - repositories: 'team/**'\n    keep:\n      - last: 2\n";

    private static readonly TimeSpan Month = TimeSpan.FromDays(31);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<LayoutKind> Layouts => [LayoutKind.V2, LayoutKind.Pool];

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task DryRun_TellsWhatEachTagFrees_AndChangesNothing(LayoutKind layout)
    {
        using var bucket = await RetainedBucket.NewAsync(layout, LastTwo);
        // Two tags of one image, and two images that share a layer with one that stays.
        var image = new MemoryImage();
        var shared = image.AddRandom(5000);
        image.AddImage([shared, image.AddRandom(100)]);
        await bucket.PushAsync(image, "1");
        bucket.Time.Advance(TimeSpan.FromHours(1));
        await bucket.PushAsync(image, "1-again");
        bucket.Time.Advance(TimeSpan.FromHours(1));
        var alone = image.AddImage([shared, image.AddRandom(700)]);
        await bucket.PushAsync(image, "2");
        bucket.Time.Advance(TimeSpan.FromHours(1));
        image.AddImage([shared]);
        await bucket.PushAsync(image, "3");
        bucket.Time.Advance(TimeSpan.FromHours(1));
        await bucket.PushAsync(MemoryImage.Simple(), "4");
        bucket.Time.Advance(TimeSpan.FromDays(1));
        var before = await AllAsync(bucket);

        var report = await bucket.RetainAsync(dryRun: true);
        Assert.Equal(before, await AllAsync(bucket));
        Assert.Equal(["1 Dropped", "1-again Dropped", "2 Dropped", "3 Kept", "4 Kept"], report.Tags.Select(tag => $"{tag.Verdict.Facts.Tag} {tag.Verdict.Fate}"));
        Assert.All(report.Tags, tag => Assert.Equal(tag.Verdict.Fate == TagFate.Kept ? 4 : 2, tag.Verdict.Line));
        long Frees(string tag) => report.Tags.Single(item => item.Verdict.Facts.Tag == tag).Frees!.Value;
        // Its tag, manifest, config and the layer nobody else has; of "1" only the tag, since "1-again" needs the rest as well.
        Assert.Equal((2 * alone.Size) + alone.Config!.Size + 700 + Companions(layout), Frees("2"));
        Assert.True(Frees("1") < 1000 && Frees("1") == Frees("1-again"));
        Assert.InRange(report.Frees.Bytes, Frees("1") + Frees("2") + Frees("1-again") + 100, 5000);
        Assert.All(report.Tags, tag => Assert.False(tag.IsGone));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Retain_DropsTags_KeepsThemToBeBroughtBack_AndGcTakesTheirImagesLater(LayoutKind layout)
    {
        using var bucket = await RetainedBucket.NewAsync(layout, LastTwo, open: layout == LayoutKind.V2);
        var image = new MemoryImage();
        var index = image.AddIndex((image.AddImage([image.AddRandom(100)]).Descriptor, "amd64"), (image.AddImage([image.AddRandom(100)]).Descriptor, "arm64"));
        await bucket.PushAsync(image, "index");
        var signature = image.AddImage([image.AddRandom(10)], index.Descriptor, "text/signature");
        await bucket.PushAsync(image, $"{index.Digest.AlgorithmName}-{index.Digest.Hex}.sig");
        bucket.Time.Advance(TimeSpan.FromDays(1));
        var pushed = await bucket.PushDailyAsync("old", "new", "newest");
        // Untagged, and none of retention's business.
        image.AddImage([image.AddRandom(10)]);
        var untagged = image.Root!;
        await bucket.PushAsync(image, untagged.Digest.ToString());
        bucket.Time.Advance(TimeSpan.FromDays(1));

        var report = await bucket.RetainAsync();
        Assert.Equal(["index", "old"], report.Tags.Where(tag => tag.IsGone).Select(tag => tag.Verdict.Facts.Tag));
        Assert.Equal(["new", "newest", $"{index.Digest.AlgorithmName}-{index.Digest.Hex}.sig"], (await bucket.TagsAsync()).Order(StringComparer.Ordinal));
        Assert.Equal(pushed["old"].Bytes, (await bucket.KeptAsync("old"))!.Manifest);
        Assert.Equal(index.Bytes, (await bucket.KeptAsync("index"))!.Manifest);
        foreach (var manifest in new[] { index, signature, untagged, pushed["old"], pushed["new"], pushed["newest"] })
            Assert.True(await bucket.IsWholeAsync(manifest.Digest));

        bucket.Time.Advance(TimeSpan.FromDays(20));
        await bucket.CollectAsync();
        Assert.True(await bucket.IsWholeAsync(index.Digest));

        bucket.Time.Advance(Month);
        var collected = await bucket.CollectAsync();
        Assert.Equal(report.Frees.Bytes - report.Tags.Where(tag => tag.IsGone).Sum(tag => tag.Verdict.Facts.Digest == index.Digest ? index.Size : pushed["old"].Size) - (2 * Companions(layout)),
            collected.Freed.Where(pair => pair.Key != "removed").Sum(pair => pair.Value.Bytes));
        foreach (var manifest in new[] { index, signature, pushed["old"] })
            Assert.False(await bucket.IsWholeAsync(manifest.Digest));
        foreach (var manifest in new[] { untagged, pushed["new"], pushed["newest"] })
            Assert.True(await bucket.IsWholeAsync(manifest.Digest));
        Assert.Empty(await bucket.ItemsAsync(KeyKind.Removed));
        Assert.Equal(["new", "newest"], await bucket.TagsAsync());
        Assert.Equal(0, (await bucket.CollectAsync()).Rounds);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Retain_WithoutHistory_FreesAtOnce(LayoutKind layout)
    {
        using var bucket = await RetainedBucket.NewAsync(layout, LastTwo + "history: {keep: 0s}\n");
        var pushed = await bucket.PushDailyAsync("1", "2", "3");
        var report = await bucket.RetainAsync();
        Assert.Equal(report.Frees.Bytes, report.Collected.Freed.Sum(pair => pair.Value.Bytes));
        Assert.False(await bucket.IsWholeAsync(pushed["1"].Digest));
        Assert.True(await bucket.IsWholeAsync(pushed["2"].Digest));
        Assert.Null(await bucket.KeptAsync("1"));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Retain_ImageThatIsPushedAgain_Stays(LayoutKind layout)
    {
        using var bucket = await RetainedBucket.NewAsync(layout, LastTwo);
        var image = MemoryImage.Simple();
        var wanted = await bucket.PushAsync(image, "1");
        bucket.Time.Advance(TimeSpan.FromDays(1));
        await bucket.PushDailyAsync("2", "3");
        await bucket.RetainAsync();
        Assert.NotNull(await bucket.KeptAsync("1"));
        // By its digest alone, once more: its age counts from now, and manifests without tags stay.
        bucket.Time.Advance(TimeSpan.FromDays(1));
        await bucket.PushAsync(image, wanted.Digest.ToString());
        bucket.Time.Advance(Month);
        await bucket.CollectAsync();
        Assert.Null(await bucket.KeptAsync("1"));
        Assert.True(await bucket.IsWholeAsync(wanted.Digest));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Retain_TagThatIsMovedMeanwhile_Stays_AndNothingIsKeptOfIt(LayoutKind layout)
    {
        using var bucket = await RetainedBucket.NewAsync(layout, LastTwo);
        await bucket.PushDailyAsync("1", "2", "3", "4");
        var moved = new MemoryImage();
        moved.AddImage([moved.AddRandom(10)]);
        var report = await bucket.RetainAsync(say: line =>
        {
            // After the look that the verdict rests on, and before anybody is told.
            if (!line.Contains("condemned", StringComparison.Ordinal))
                return;
            bucket.Time.Advance(TimeSpan.FromSeconds(2));
            bucket.PushAsync(moved, "1").GetAwaiter().GetResult();
            bucket.Time.Advance(TimeSpan.FromSeconds(2));
        });
        Assert.Equal(["2"], report.Tags.Where(tag => tag.IsGone).Select(tag => tag.Verdict.Facts.Tag));
        Assert.Equal(["1", "3", "4"], await bucket.TagsAsync());
        Assert.Null(await bucket.KeptAsync("1"));
        Assert.NotNull(await bucket.KeptAsync("2"));
        Assert.True(await bucket.IsWholeAsync(moved.Root!.Digest));
    }

    [Fact]
    public async Task Retain_TagYoungerThanGrace_WaitsForTheNextTime()
    {
        using var bucket = await RetainedBucket.NewAsync(LayoutKind.V2, LastTwo);
        await bucket.PushAsync(MemoryImage.Simple(), "1");
        bucket.Time.Advance(TimeSpan.FromSeconds(1));
        await bucket.PushAsync(MemoryImage.Simple(), "2");
        bucket.Time.Advance(TimeSpan.FromSeconds(1));
        await bucket.PushAsync(MemoryImage.Simple(), "3");
        var report = await bucket.RetainAsync();
        Assert.Equal(TagFate.Dropped, report.Tags[0].Verdict.Fate);
        Assert.Null(report.Tags[0].Frees);
        Assert.Equal(["1", "2", "3"], await bucket.TagsAsync());
        bucket.Time.Advance(TimeSpan.FromHours(2));
        await bucket.RetainAsync();
        Assert.Equal(["2", "3"], await bucket.TagsAsync());
    }

    [Fact]
    public async Task Retain_WhatRuns_AndWhatIsImmutable_Stays()
    {
        using var bucket = await RetainedBucket.NewAsync(LayoutKind.V2, LastTwo + "immutable:\n  - {repositories: '**', tags: 'v*'}\n");
        var image = new MemoryImage();
        var child = image.AddImage([image.AddRandom(10)]);
        var index = image.AddIndex((child.Descriptor, "amd64"));
        await bucket.PushAsync(image, "index");
        bucket.Time.Advance(TimeSpan.FromDays(1));
        await bucket.PushDailyAsync("v1", "byname", "other", "5", "6");
        using var list = new MemoryStream(Encoding.UTF8.GetBytes($"registry.example.com/team/app:byname host/x@{child.Digest}"));
        var report = await bucket.RetainAsync(inUse: [await InUseList.ReadAsync(list, "list", Cancel)]);
        Assert.Equal(["5", "6", "byname", "index", "v1"], await bucket.TagsAsync());
        Assert.Equal("immutable", report.Tags.Single(tag => tag.Verdict.Facts.Tag == "v1").Verdict.Reason);
        Assert.Equal(index.Digest, report.Tags.Single(tag => tag.Verdict.Facts.Tag == "index").Verdict.Facts.Digest);
    }

    [Fact]
    public async Task Retain_DamagedTag_KeepsItsRepository_AndSaysSo()
    {
        using var bucket = await RetainedBucket.NewAsync(LayoutKind.V2, LastTwo);
        await bucket.PushDailyAsync("1", "2", "3");
        var store = (await bucket.OpenAsync()).Store;
        await store.PutAsync("v2/team/app/manifests/broken", new("?"u8.ToArray()), new ObjectHeaders(MediaTypes.OciManifest, "no-cache"), PutCondition.None, Cancel);
        bucket.Time.Advance(TimeSpan.FromDays(1));
        var report = await bucket.RetainAsync();
        Assert.Contains("v2/team/app/manifests/broken", Assert.Single(report.Collected.Warnings), StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3", "broken"], await bucket.TagsAsync());
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Retain_KilledAfterEachRequest_ASecondRunFinishes(LayoutKind layout)
    {
        for (var step = 0; ; step++)
        {
            var (requests, lastTakesEffect) = (step / 2, step % 2 == 1);
            using var bucket = await RetainedBucket.NewAsync(layout, LastTwo);
            var pushed = await bucket.PushDailyAsync("1", "2", "3", "4");
            MortalStore? killed = null;
            try
            {
                await bucket.RetainAsync(over: store => killed = new(store, requests, lastTakesEffect));
            }
            catch (PailException) when (killed!.IsDead)
            {
            }
            foreach (var tag in pushed.Keys.Except(await bucket.TagsAsync()))
                Assert.Equal(pushed[tag].Bytes, (await bucket.KeptAsync(tag))!.Manifest);
            await bucket.RetainAsync();
            Assert.Equal(["3", "4"], await bucket.TagsAsync());
            Assert.All(await Task.WhenAll(pushed.Values.Select(manifest => bucket.IsWholeAsync(manifest.Digest))), Assert.True);

            // And what they led to goes whole, however the collection that takes it is interrupted.
            bucket.Time.Advance(Month);
            MortalStore? again = null;
            try
            {
                await new Pail.Collect.Collector(await bucket.OpenAsync(store => again = new(store, requests, lastTakesEffect)), new() { Alone = true }).RunAsync(Cancel);
            }
            catch (PailException) when (again!.IsDead)
            {
            }
            await bucket.CollectAsync();
            Assert.False(await bucket.IsWholeAsync(pushed["1"].Digest));
            Assert.Empty(await bucket.ItemsAsync(KeyKind.Removed));
            Assert.Equal(layout == LayoutKind.V2 ? 2 : 0, (await bucket.ItemsAsync(KeyKind.Manifest)).Count);
            Assert.Equal(layout == LayoutKind.V2 ? 4 : 6, (await bucket.ItemsAsync(KeyKind.Blob)).Count);
            if (!killed!.IsDead && !again!.IsDead)
            {
                Assert.True(requests > 20);
                return;
            }
        }
    }

    // What a tag consists of beside its manifest.
    private static int Companions(LayoutKind layout) => layout == LayoutKind.Pool ? """{"imageLayoutVersion":"1.0.0"}""".Length : 0;

    private static async Task<List<string>> AllAsync(RetainedBucket bucket) =>
        await (await bucket.OpenAsync()).ListItemsAsync(Cancel).Select(item => $"{item.Entry.Key} {item.Entry.ETag}").ToListAsync(Cancel);
}
