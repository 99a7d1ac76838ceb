using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Removal;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Care;

/// <summary>Removal, rollback and undeletion die after each of their requests in turn; a second run finishes, and nothing is lost that something needs.</summary>
public sealed class KillTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    // An index of two images that share a layer, a signature of it, a single image of one of its children, and what tags name.
    private sealed record Content(Manifest Old, Manifest Index, Manifest Child, Manifest Signature);

    public static TheoryData<LayoutKind, bool, bool> Buckets => new()
    {
        { LayoutKind.V2, false, false }, { LayoutKind.V2, false, true }, { LayoutKind.V2, true, true }, { LayoutKind.Pool, false, true },
    };

    private static async Task<Content> FillAsync(CareBucket bucket)
    {
        var old = await bucket.PushAsync(MemoryImage.Simple(2), "latest");
        var image = new MemoryImage();
        var shared = image.AddRandom(100);
        var child = image.AddImage([shared]);
        var index = image.AddIndex((child.Descriptor, "amd64"), (image.AddImage([shared, image.AddRandom(50)]).Descriptor, "arm64"));
        image.Root = index;
        await bucket.PushAsync(image, "latest");
        await bucket.PushAsync(image, "1");
        image.Root = child;
        await bucket.PushAsync(image, "child");
        var signature = image.AddImage([image.AddRandom(5)], index.Descriptor, "text/signature");
        await bucket.PushAsync(image, "signature");
        return new(old, index, child, signature);
    }

    // Each N is a new bucket; ends with the first N that the work gets by with.
    private static async Task EveryAsync(LayoutKind layout, bool open, bool lastTakesEffect, Func<Bucket, Content, Task> work, Func<CareBucket, Content, Task> check)
    {
        using var filled = await CareBucket.NewAsync(layout, open, inMemory: true);
        var content = await FillAsync(filled);
        for (var requests = 0; ; requests++)
        {
            using var bucket = filled.Copy();
            MortalStore? mortal = null;
            try
            {
                await work(await bucket.OpenAsync(store => mortal = new(store, requests, lastTakesEffect)), content);
            }
            catch (PailException) when (mortal!.IsDead)
            {
            }
            await AssertNothingIsBrokenAsync(bucket);
            if (mortal is { IsDead: false })
            {
                Assert.True(requests > 3);
                await check(bucket, content);
                return;
            }
            try
            {
                await work(await bucket.OpenAsync(), content);
            }
            catch (PailException e) when (e.Failure == Failure.NotFound)
            {
                // Done already, but for the last word.
            }
            await check(bucket, content);
        }
    }

    // Whatever a tag names is whole.
    private static async Task AssertNothingIsBrokenAsync(CareBucket bucket)
    {
        var repository = (await bucket.OpenAsync()).Repository(CareBucket.App);
        await foreach (var tag in repository.Tags.ListAsync(null, None))
            Assert.Empty(await repository.Manifests.FindMissingAsync((await repository.Manifests.GetAsync(Reference.Parse(tag), None))!, None));
    }

    private static async Task RemoveAsync(Bucket bucket, params string[] images)
    {
        var patterns = images.Select(ImagePattern.Parse).ToList();
        var plan = await new RemovalPlanner(bucket, null).PlanAsync(patterns, None);
        var remover = new Remover(bucket, purge: false);
        await remover.RequireAllAsync(plan, patterns, None);
        if ((await remover.RunAsync(plan, patterns, None)).Failed is [var (_, why), ..])
            throw why;
    }

    private static async Task UndeleteAsync(Bucket bucket, string images)
    {
        var found = await Undeletion.FindAsync(bucket, ImagePattern.Parse(images), None);
        foreach (var removed in found)
            await new Undeleter(bucket).RestoreAsync(removed, None);
    }

    private static async Task<List<string>> TagsAsync(CareBucket bucket) => await (await bucket.OpenAsync()).Repository(CareBucket.App).Tags.ListAsync(null, None).ToListAsync(None);

    private static async Task AssertListsAsync(CareBucket bucket, params string[] tags)
    {
        Assert.Equal(tags.Order(StringComparer.Ordinal), await TagsAsync(bucket));
        if (!bucket.Open)
            return;
        var opened = await bucket.OpenAsync();
        var list = await SmallObject.ReadAsync(opened.Store, V2Layout.TagListKey(CareBucket.App), 1 << 20, None);
        Assert.Equal(tags.Order(StringComparer.Ordinal), NameList.Read(list?.Bytes, NameList.Tags));
        Assert.Equal(tags.Length > 0, (await opened.Lists.ListRepositoriesAsync(None)).Contains(CareBucket.App));
    }

    [Theory]
    [MemberData(nameof(Buckets))]
    public Task Remove_OfTags_IsFinishedByASecondRun(LayoutKind layout, bool open, bool lastTakesEffect) => EveryAsync(
        layout, open, lastTakesEffect,
        (bucket, _) => RemoveAsync(bucket, $"{CareBucket.App}:[1l]*"),
        async (bucket, content) =>
        {
            await AssertListsAsync(bucket, "child", "signature");
            await UndeleteAsync(await bucket.OpenAsync(), $"{CareBucket.App}:*");
            await AssertListsAsync(bucket, "1", "child", "latest", "signature");
            Assert.Equal(content.Index.Digest, (await (await bucket.OpenAsync()).Repository(CareBucket.App).Manifests.GetAsync(Reference.Parse("latest"), None))!.Digest);
        });

    [Theory]
    [MemberData(nameof(Buckets))]
    public Task Remove_OfAnIndex_IsFinishedByASecondRun(LayoutKind layout, bool open, bool lastTakesEffect) => EveryAsync(
        layout, open, lastTakesEffect,
        (bucket, content) => RemoveAsync(bucket, $"{CareBucket.App}@{content.Index.Digest}"),
        async (bucket, content) =>
        {
            await AssertListsAsync(bucket, "child", "signature");
            var repository = (await bucket.OpenAsync()).Repository(CareBucket.App);
            Assert.Null(await repository.Manifests.FindAsync(Reference.Of(content.Index.Digest), None));
            Assert.NotNull(await repository.Manifests.FindAsync(Reference.Of(content.Child.Digest), None));
            await UndeleteAsync(await bucket.OpenAsync(), $"{CareBucket.App}@{content.Index.Digest}");
            await AssertListsAsync(bucket, "1", "child", "latest", "signature");
            Assert.Equal([content.Signature.Digest], (await repository.Referrers.ListAsync(content.Index.Digest, None)).Select(entry => entry.Digest));
        });

    [Theory]
    [MemberData(nameof(Buckets))]
    public Task Remove_OfARepository_IsFinishedByASecondRunAndComesBackWhole(LayoutKind layout, bool open, bool lastTakesEffect) => EveryAsync(
        layout, open, lastTakesEffect,
        (bucket, _) => RemoveAsync(bucket, CareBucket.App.ToString()),
        async (bucket, content) =>
        {
            await AssertListsAsync(bucket);
            Assert.DoesNotContain(await bucket.KeysAsync(), key => key.Contains("/manifests/", StringComparison.Ordinal) || key.Contains("referrers/", StringComparison.Ordinal));
            await UndeleteAsync(await bucket.OpenAsync(), CareBucket.App.ToString());
            await AssertListsAsync(bucket, "1", "child", "latest", "signature");
            await AssertNothingIsBrokenAsync(bucket);
            Assert.Equal([content.Signature.Digest], (await (await bucket.OpenAsync()).Repository(CareBucket.App).Referrers.ListAsync(content.Index.Digest, None)).Select(entry => entry.Digest));
        });

    [Theory]
    [MemberData(nameof(Buckets))]
    public Task Rollback_IsFinishedByASecondRun(LayoutKind layout, bool open, bool lastTakesEffect) => EveryAsync(
        layout, open, lastTakesEffect,
        (bucket, content) => TagRollback.MoveAsync(bucket.Repository(CareBucket.App), "latest", content.Old.Digest, None),
        async (bucket, content) =>
        {
            var periods = TagHistory.Periods(await (await bucket.OpenAsync()).Repository(CareBucket.App).Tags.LookAsync("latest", None));
            Assert.Equal([content.Old.Digest, content.Index.Digest, content.Old.Digest], periods.Select(period => period.Digest!.Value));
        });

    [Theory]
    [MemberData(nameof(Buckets))]
    public async Task Undelete_OfARepository_IsFinishedByASecondRun(LayoutKind layout, bool open, bool lastTakesEffect)
    {
        using var filled = await CareBucket.NewAsync(layout, open, inMemory: true);
        var content = await FillAsync(filled);
        await RemoveAsync(await filled.OpenAsync(), CareBucket.App.ToString());
        for (var requests = 0; ; requests++)
        {
            using var bucket = filled.Copy();
            MortalStore? mortal = null;
            try
            {
                await UndeleteAsync(await bucket.OpenAsync(store => mortal = new(store, requests, lastTakesEffect)), CareBucket.App.ToString());
            }
            catch (PailException) when (mortal!.IsDead)
            {
            }
            await AssertNothingIsBrokenAsync(bucket);
            await UndeleteAsync(await bucket.OpenAsync(), CareBucket.App.ToString());
            await AssertListsAsync(bucket, "1", "child", "latest", "signature");
            await AssertNothingIsBrokenAsync(bucket);
            Assert.Equal([content.Signature.Digest], (await (await bucket.OpenAsync()).Repository(CareBucket.App).Referrers.ListAsync(content.Index.Digest, None)).Select(entry => entry.Digest));
            Assert.Empty(await bucket.KeysAsync(RemovedKey.Prefix));
            if (mortal is { IsDead: false })
                return;
        }
    }

    [Theory]
    [MemberData(nameof(Buckets))]
    public async Task Delete_AsTheServerDoes_IsFinishedByASecondRun(LayoutKind layout, bool open, bool lastTakesEffect) => await EveryAsync(
        layout, open, lastTakesEffect,
        (bucket, content) => bucket.Repository(CareBucket.App).Manifests.DeleteAsync(content.Index.Digest, None),
        async (bucket, content) =>
        {
            await AssertListsAsync(bucket, "child", "signature");
            await UndeleteAsync(await bucket.OpenAsync(), $"{CareBucket.App}@{content.Index.Digest}");
            await AssertListsAsync(bucket, "1", "child", "latest", "signature");
        });
}
