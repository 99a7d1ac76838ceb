using System.Buffers;
using System.Text;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Stores;
using Pail.Transfer;

namespace Pail.Tests.Immutable;

/// <summary>Writers that make one immutable tag at once, on stores that keep conditions and such that don't: at most one is told that it did.</summary>
public sealed class ImmutableRaceTests : IDisposable
{
    private const string Policy = "immutable: [{repositories: '**', tags: 'v*'}]";

    private static readonly RepositoryName App = RepositoryName.Parse("team/app");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-immutable-");
    private readonly TransferEngine _engine = new(new TransferOptions());
    private readonly FolderStore _inner;

    public ImmutableRaceTests() => _inner = new FolderStore(_folder.FullName, new RequestMeter());

    public static MatrixTheoryData<string, LayoutKind> Stores { get; } = new(["keeps conditions", "ignores conditions", "refuses conditions", "changes etags"], Enum.GetValues<LayoutKind>());

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    private LesserStore Open(string name) => new(_inner, name switch
    {
        "keeps conditions" => Lack.None,
        "ignores conditions" => LesserStore.B2,
        "refuses conditions" => Lack.ConditionsAtAll,
        "changes etags" => Lack.LastingETags,
        _ => throw new ArgumentException(name),
    });

    private async Task InitAsync(string name, LayoutKind layout) =>
        await RetentionFile.WriteAsync(await BucketSetup.RunAsync(Open(name), _engine, BucketLayout.Of(layout), false, Cancel), Policy, Cancel);

    private static async Task<Manifest> PutAsync(Bucket bucket, string tag, string content)
    {
        var config = Encoding.UTF8.GetBytes($$"""{"os":"linux","architecture":"amd64","content":"{{content}}"}""");
        var descriptor = new Descriptor(MediaTypes.OciConfig, Digest.Of(config), config.Length);
        var repository = bucket.Repository(App);
        await repository.Blobs.PutVerifiedAsync(descriptor, new ReadOnlySequence<byte>(config), Cancel);
        var manifest = Manifest.Parse(ManifestJson.Image(descriptor, []), MediaTypes.OciManifest);
        await repository.Manifests.PutAsync(manifest, Cancel);
        await repository.Tags.PutAsync(manifest, tag, Cancel);
        return manifest;
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task EightWriters_OfOtherDigests_ExactlyOneIsToldThatItDid(string store, LayoutKind layout)
    {
        await InitAsync(store, layout);
        for (var round = 0; round < 2; round++)
        {
            // Each with a bucket of its own, as eight machines have.
            var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(async n =>
            {
                var bucket = await Bucket.OpenAsync(new UnevenStore(Open(store)), _engine, Cancel);
                try
                {
                    return (await PutAsync(bucket, $"v{round}", $"{round} {n}")).Digest;
                }
                catch (ImmutableTagException)
                {
                    return (Digest?)null;
                }
            }));
            var now = (await (await Bucket.OpenAsync(_inner, _engine, Cancel)).Repository(App).Manifests.GetAsync(Reference.Parse($"v{round}"), Cancel))!.Digest;
            Assert.Equal([now], results.OfType<Digest>());
        }
        Assert.Empty((await _inner.ListAsync(new(TagClaim.Prefix), Cancel)).Objects);
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task EightWriters_OfOneDigest_AllSucceed(string store, LayoutKind layout)
    {
        await InitAsync(store, layout);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => await PutAsync(await Bucket.OpenAsync(new UnevenStore(Open(store)), _engine, Cancel), "v1", "same")));
    }

    // The first sleeps just before it writes the tag; the second comes in between, and must not make it.
    [Fact]
    public async Task StoreWithoutConditions_WriterThatSleepsBeforeItWrites_IsNotOverwritten()
    {
        await InitAsync("ignores conditions", LayoutKind.V2);
        var (asleep, awake, seen) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        var first = PutAsync(await Bucket.OpenAsync(new WatchedStore(Open("ignores conditions"), async (put, key) =>
        {
            if (!put || !key.EndsWith("/v1", StringComparison.Ordinal))
                return;
            asleep.SetResult();
            await awake.Task;
        }), _engine, Cancel), "v1", "first");
        await asleep.Task.WaitAsync(Cancel);
        var second = PutAsync(await Bucket.OpenAsync(new WatchedStore(Open("ignores conditions"), (put, key) =>
        {
            if (!put && key.StartsWith(TagClaim.Prefix, StringComparison.Ordinal) && ++seen == 2)
                awake.SetResult();
            return Task.CompletedTask;
        }), _engine, Cancel), "v1", "second");
        var made = await first;
        Assert.Contains("immutable", (await Assert.ThrowsAsync<ImmutableTagException>(() => second)).Message, StringComparison.Ordinal);
        Assert.Equal(made.Digest, (await (await Bucket.OpenAsync(_inner, _engine, Cancel)).Repository(App).Manifests.GetAsync(Reference.Parse("v1"), Cancel))!.Digest);
    }

    [Fact]
    public async Task StoreWithoutConditions_ClaimOfAKilledWriter_CountsForAWhile()
    {
        await InitAsync("ignores conditions", LayoutKind.V2);
        var claim = $"{TagClaim.Prefix}{App}/v1/sha256:{new string('0', 64)}/{Guid.NewGuid():n}";
        await _inner.PutAsync(claim, new ReadOnlySequence<byte>("{}"u8.ToArray()), new("application/json", "no-cache"), PutCondition.None, Cancel);
        var file = Assert.Single(_folder.EnumerateFiles($"*{claim[^32..]}*", SearchOption.AllDirectories));
        file.LastWriteTimeUtc = DateTime.UtcNow.AddMinutes(-17);
        // One in a repository whose name goes on is none of ours.
        await _inner.PutAsync($"{TagClaim.Prefix}{App}/v1/v1/sha256:{new string('0', 64)}/{Guid.NewGuid():n}", new ReadOnlySequence<byte>("{}"u8.ToArray()), new("application/json", "no-cache"), PutCondition.None, Cancel);
        await PutAsync(await Bucket.OpenAsync(Open("ignores conditions"), _engine, Cancel), "v1", "next");
        Assert.Single((await _inner.ListAsync(new(TagClaim.Prefix), Cancel)).Objects);
    }

    // Requests of several writers mix in another order each time.
    private sealed class UnevenStore(IObjectStore inner) : StoreLayer(inner)
    {
        public override async Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default)
        {
            await Task.Delay(Random.Shared.Next(4), cancel);
            return await base.HeadAsync(key, cancel);
        }

        public override async Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default)
        {
            await Task.Delay(Random.Shared.Next(4), cancel);
            return await base.PutAsync(key, body, headers, condition, cancel);
        }
    }

    // Says before each PUT and each LIST which it is.
    private sealed class WatchedStore(IObjectStore inner, Func<bool, string, Task> before) : StoreLayer(inner)
    {
        public override async Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default)
        {
            await before(true, key);
            return await base.PutAsync(key, body, headers, condition, cancel);
        }

        public override async Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default)
        {
            await before(false, query.Prefix);
            return await base.ListAsync(query, cancel);
        }
    }
}
