using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Tests.Images;

namespace Pail.Tests.Care;

/// <summary>What tags remember of what they named.</summary>
public sealed class HistoryTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly DateTimeOffset Start = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    private static Digest D(int number) => Digest.Of(BitConverter.GetBytes(number));

    [Theory]
    [InlineData(LayoutKind.V2, false)]
    [InlineData(LayoutKind.V2, true)]
    [InlineData(LayoutKind.Pool, false)]
    public async Task Push_OverATag_RemembersWhatItNamedAndWhoMovedIt(LayoutKind layout, bool open)
    {
        using var bucket = await CareBucket.NewAsync(layout, open);
        var one = await bucket.PushAsync(MemoryImage.Simple(), "latest", "ann");
        var two = await bucket.PushAsync(MemoryImage.Simple(), "latest", "bob");
        var image = MemoryImage.Simple();
        var three = await bucket.PushAsync(image, "latest", "eve;,%é");
        await bucket.PushAsync(image, "latest", "nobody: nothing changes");
        var periods = TagHistory.Periods(await (await bucket.OpenAsync()).Repository(CareBucket.App).Tags.LookAsync("latest", None));
        Assert.Equal([(three.Digest, "eve;,%é"), (two.Digest, "bob"), (one.Digest, "ann")], periods.Select(period => (period.Digest!.Value, period.By!)));
        Assert.All(periods, period => Assert.NotNull(period.Since));
        Assert.Equal([null, periods[0].Since, periods[1].Since], periods.Select(period => period.Until));
    }

    [Fact]
    public async Task Copy_ToAnotherTag_KeepsNoHistoryOfTheFirst()
    {
        using var bucket = await CareBucket.NewAsync();
        await bucket.PushAsync(MemoryImage.Simple(), "1", "ann");
        var two = await bucket.PushAsync(MemoryImage.Simple(), "1", "ann");
        var repository = (await bucket.OpenAsync()).Repository(CareBucket.App).For("bob");
        await repository.Tags.PutAsync(two, "2", None);
        Assert.Equal([(two.Digest, "bob")], TagHistory.Periods(await repository.Tags.LookAsync("2", None)).Select(period => (period.Digest!.Value, period.By!)));
    }

    [Fact]
    public async Task Push_OfFiftyMoves_StaysWithinTheMetadataThatStoresTake()
    {
        using var bucket = await CareBucket.NewAsync();
        var repository = (await bucket.OpenAsync()).Repository(CareBucket.App).For(new string('é', 200));
        var digests = new List<Digest>();
        foreach (var _ in Enumerable.Range(0, 50))
        {
            var image = await bucket.PushAsync(MemoryImage.Simple(), "other");
            await repository.Tags.PutAsync(image, "latest", None);
            digests.Insert(0, image.Digest);
        }
        var info = (await repository.Bucket.Store.HeadAsync(repository.Manifests.KeyOf(Reference.Parse("latest")), None))!;
        Assert.InRange(info.Metadata.Sum(pair => pair.Key.Length + pair.Value.Length), 1000, 2000);
        Assert.All(info.Metadata, pair => Assert.True(pair.Key.All(char.IsAsciiLetterLower) && pair.Value.All(c => c is > ' ' and < '\x7f'), pair.ToString()));
        var named = TagHistory.Periods(await repository.Tags.LookAsync("latest", None)).Select(period => period.Digest!.Value).ToList();
        Assert.True(named.Count > 2);
        Assert.Equal(digests.Take(named.Count), named);
    }

    [Fact]
    public async Task Push_TagMovedSinceItWasLookedAt_ForgetsNoMove()
    {
        using var bucket = await CareBucket.NewAsync();
        var repository = (await bucket.OpenAsync()).Repository(CareBucket.App).For("me");
        var images = new List<Manifest>();
        foreach (var _ in Enumerable.Range(0, 3))
            images.Add(await bucket.PushAsync(MemoryImage.Simple(), "other"));
        var absent = await repository.Tags.LookAsync("latest", None);
        await repository.Tags.PutAsync(images[0], "latest", absent, None);
        await repository.Tags.PutAsync(images[1], "latest", absent, None);
        var seen = await repository.Tags.LookAsync("latest", None);
        await repository.Tags.PutAsync(images[2], "latest", seen, None);
        await repository.Tags.PutAsync(images[0], "latest", seen, None);
        Assert.Equal(
            [images[0].Digest, images[2].Digest, images[1].Digest, images[0].Digest],
            TagHistory.Periods(await repository.Tags.LookAsync("latest", None)).Select(period => period.Digest!.Value));
    }

    [Fact]
    public async Task Push_ByManyAtOnce_RemembersEachMove()
    {
        using var bucket = await CareBucket.NewAsync();
        var images = new List<Manifest>();
        foreach (var _ in Enumerable.Range(0, 6))
            images.Add(await bucket.PushAsync(MemoryImage.Simple(), "other"));
        await Task.WhenAll(images.Select(async image => await (await bucket.OpenAsync()).Repository(CareBucket.App).Tags.PutAsync(image, "latest", None)));
        var named = TagHistory.Periods(await (await bucket.OpenAsync()).Repository(CareBucket.App).Tags.LookAsync("latest", None)).Select(period => period.Digest!.Value).ToHashSet();
        Assert.Equal(images.Select(image => image.Digest).ToHashSet(), named);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("x,y;z", 0)]
    [InlineData("-5,,me", 0)]
    [InlineData("99999999999999999,,me", 0)]
    [InlineData("5,sha256:abc,me;6,,me", 1)]
    public void Parse_WhatOthersWrote_LeavesOutWhatCantBeRead(string text, int moves) => Assert.Equal(moves, TagHistory.Parse(text).Count);

    [Fact]
    public void At_OfAHistoryFromTheBeginning_FindsWhatWasNamedThen()
    {
        // Made at 1, moved at 2, removed at 3, brought back at 4.
        List<TagMove> moves = [new(null, Start.AddDays(4), "d"), new(D(2), Start.AddDays(3), "c"), new(D(1), Start.AddDays(2), "b"), new(null, Start.AddDays(1), "a")];
        var periods = TagHistory.Periods(new TagState(new Descriptor(MediaTypes.OciManifest, D(2), 1), "e", Start.AddDays(4), moves));
        Assert.Equal([D(2), null, D(2), D(1)], periods.Select(period => period.Digest));
        Assert.Equal(["d", "c", "b", "a"], periods.Select(period => period.By!));
        Assert.Equal(D(1), TagRollback.At("x", periods, Start.AddDays(1.5)));
        Assert.Equal(D(2), TagRollback.At("x", periods, Start.AddDays(2)));
        Assert.Equal(D(2), TagRollback.At("x", periods, Start.AddDays(9)));
        Assert.Contains("no such tag at", Assert.Throws<PailException>(() => TagRollback.At("x", periods, Start.AddDays(3.5))).Message, StringComparison.Ordinal);
        Assert.Contains("no such tag yet", Assert.Throws<PailException>(() => TagRollback.At("x", periods, Start)).Message, StringComparison.Ordinal);
        Assert.Equal(D(2), TagRollback.Find("x", periods, "1"));
        Assert.Equal(D(1), TagRollback.Find("x", periods, "2"));
        Assert.Equal(D(1), TagRollback.Find("x", periods, D(1).ToString()[..20]));
        Assert.Equal(Failure.NotFound, Assert.Throws<PailException>(() => TagRollback.Find("x", periods, "3")).Failure);
        Assert.Equal(Failure.NotFound, Assert.Throws<PailException>(() => TagRollback.Find("x", periods, D(3).ToString())).Failure);
    }

    [Fact]
    public void At_OfAHistoryThatWasCut_SaysHowFarItGoes()
    {
        var periods = TagHistory.Periods(new TagState(new Descriptor(MediaTypes.OciManifest, D(2), 1), "e", Start.AddDays(4), [new(D(1), Start.AddDays(2), "b")]));
        Assert.Equal(D(2), TagRollback.At("x", periods, Start.AddDays(3)));
        var error = Assert.Throws<PailException>(() => TagRollback.At("x", periods, Start.AddDays(1)));
        Assert.Equal(Failure.NotFound, error.Failure);
        Assert.Contains("does not reach back to 2026-11-02T00:00:00Z", error.Message, StringComparison.Ordinal);
    }
}
