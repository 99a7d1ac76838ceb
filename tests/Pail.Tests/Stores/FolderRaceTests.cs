using System.Buffers;
using System.Text;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;

namespace Pail.Tests.Stores;

/// <summary>Files and directories that come and go while other stores, as in other processes, use them.</summary>
[Trait("Needs", "Time")]
public sealed class FolderRaceTests : IDisposable
{
    private const int Rounds = 150;

    private static readonly ObjectHeaders Headers = new(MediaTypes.OctetStream);

    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Abort_OfAnOldUploadThatAnotherStoreSweeps_Succeeds()
    {
        for (var round = 0; round < 20; round++)
        {
            var upload = await BeginAsync($"k{round}", parts: 100);
            Directory.SetLastWriteTimeUtc(_folder[$".pail/uploads/{upload.Id}"], DateTime.UtcNow.AddDays(-9));
            var aborted = false;
            await TogetherAsync(
                async () =>
                {
                    await Open().AbortUploadAsync(upload, Cancel);
                    Volatile.Write(ref aborted, true);
                },
                [.. Enumerable.Range(0, 2).Select(n => (Func<Task>)(async () =>
                {
                    // A store sweeps when it first writes.
                    while (!Volatile.Read(ref aborted))
                        await PutAsync(Open(), $"other{n}");
                }))]);
            Assert.Empty(await Open().ListUploadsAsync("", Cancel));
        }
    }

    [Fact]
    public async Task ListParts_WhileTheUploadIsDropped_NeverFails()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var upload = await BeginAsync("k", parts: 3);
            var aborted = false;
            await TogetherAsync(
                async () =>
                {
                    await Open().AbortUploadAsync(upload, Cancel);
                    Volatile.Write(ref aborted, true);
                },
                async () =>
                {
                    var store = Open();
                    while (!Volatile.Read(ref aborted))
                        Assert.InRange((await store.ListPartsAsync(upload, Cancel)).Count, 0, 3);
                });
        }
    }

    [Fact]
    public async Task ListUploads_WhileUploadsEnd_TellsWhenTheyBegan()
    {
        var ended = false;
        await TogetherAsync(
            async () =>
            {
                var store = Open();
                for (var round = 0; round < Rounds; round++)
                    await store.AbortUploadAsync(await BeginAsync("k", parts: 0), Cancel);
                Volatile.Write(ref ended, true);
            },
            [.. Enumerable.Range(0, 4).Select(_ => (Func<Task>)(async () =>
            {
                var store = Open();
                while (!Volatile.Read(ref ended))
                    Assert.All(await store.ListUploadsAsync("", Cancel), upload => Assert.InRange(upload.Started, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)));
            }))]);
    }

    [Fact]
    public async Task Complete_WhileTheUploadIsDropped_IsDoneOrUnknown()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var key = $"k{round}";
            var upload = await BeginAsync(key, parts: 1);
            var parts = await Open().ListPartsAsync(upload, Cancel);
            Exception? failure = null;
            await TogetherAsync(
                () => Open().AbortUploadAsync(upload, Cancel),
                async () => failure = await Record.ExceptionAsync(() => Open().CompleteUploadAsync(upload, parts, Cancel)));
            if (failure is not null)
                Assert.Equal(StoreError.NoSuchUpload, Assert.IsType<StoreException>(failure).Error);
            Assert.Equal(failure is null, await Open().HeadAsync(key, Cancel) is not null);
        }
        Assert.Empty(Directory.GetFileSystemEntries(_folder[".pail/tmp"]));
    }

    [Fact]
    public async Task Lists_WhileEverythingAroundChanges_ShowWhatStays()
    {
        string[] stay = ["a/b/c/stays", "a/b/stays", "a/stays", "stays"];
        foreach (var key in stay)
            await PutAsync(Open(), key);
        var working = 6;
        var writers = Enumerable.Range(0, 6).Select(n => (Func<Task>)(async () =>
        {
            var store = Open();
            try
            {
                for (var i = 0; i < Rounds / 4; i++)
                {
                    // Directories of one's own and shared ones, objects put, replaced, linked over one another, and deleted.
                    await PutAsync(store, $"a/b/c/d{n}/e/f");
                    Assert.True(await store.CopyAsync($"a/b/c/d{n}/e/f", $"x/y/{n % 2}", Headers, Cancel));
                    await store.CopyAsync($"x/y/{n % 2}", "x/y/z/shared", Headers, Cancel);
                    await store.CopyAsync("x/y/z/shared", $"x/y/{n % 2}", Headers, Cancel);
                    await PutAsync(store, stay[n % stay.Length]);
                    await store.DeleteAsync($"a/b/c/d{n}/e/f", Cancel);
                    await store.DeleteAsync("x/y/z/shared", Cancel);
                    await store.DeleteAsync($"x/y/{n % 2}", Cancel);
                }
            }
            finally
            {
                Interlocked.Decrement(ref working);
            }
        }));
        await TogetherAsync(
            async () =>
            {
                var store = Open();
                while (Volatile.Read(ref working) > 0)
                {
                    var keys = (await store.ListAsync(new(""), Cancel)).Objects.Select(entry => entry.Key).ToList();
                    Assert.Equal(keys.Order(StringComparer.Ordinal), keys);
                    Assert.Equal(stay, keys.Intersect(stay));
                    Assert.Contains("a/", (await store.ListAsync(new("", "/"), Cancel)).Prefixes);
                }
            },
            [.. writers]);
        Assert.Equal(stay, (await Open().ListAsync(new(""), Cancel)).Objects.Select(entry => entry.Key));
        Assert.False(Directory.Exists(_folder["x"]));
    }

    private static Task TogetherAsync(Func<Task> one, params Func<Task>[] others)
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var all = others.Prepend(one).Select(async work =>
        {
            await start.Task;
            await Task.Run(work);
        }).ToList();
        start.SetResult();
        return Task.WhenAll(all);
    }

    private static Task<string?> PutAsync(FolderStore store, string key) => store.PutAsync(key, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(key)), Headers, PutCondition.None, Cancel);

    private FolderStore Open() => new(_folder.Path, new());

    private async Task<UploadId> BeginAsync(string key, int parts)
    {
        var store = Open();
        var upload = new UploadId(key, await store.CreateUploadAsync(key, Headers, Cancel));
        for (var number = 1; number <= parts; number++)
            await store.UploadPartAsync(upload, number, number - 1, new ReadOnlySequence<byte>([1]), Cancel);
        return upload;
    }
}
