using System.Buffers;
using System.Globalization;
using System.Text;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Tests.Stores;

/// <summary>Several stores on one folder: they know nothing of each other, as in several processes.</summary>
public sealed class FolderConcurrencyTests : IDisposable
{
    private const int PartSize = 5 << 20;

    private static readonly string[] Types = [.. MediaTypes.Manifests, MediaTypes.OctetStream, MediaTypes.Json, "application/x-foreign"];

    private readonly string _bucket = Directory.CreateTempSubdirectory("pail-test-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_bucket, recursive: true);

    [Fact]
    public async Task PutIfAbsent_ManyStores_ExactlyOneWins()
    {
        var stores = Enumerable.Range(0, 8).Select(_ => Open()).ToArray();
        for (var round = 0; round < 20; round++)
        {
            var key = $"v2/race/{round}";
            var etags = await Task.WhenAll(stores.Select((store, n) => Task.Run(() => store.PutAsync(key, Bytes($"{n}"), new(Types[n % Types.Length]), PutCondition.IfAbsent, Cancel))));
            var winner = Assert.Single(Enumerable.Range(0, stores.Length), n => etags[n] is not null);
            Assert.Equal(($"{winner}", Types[winner % Types.Length]), await ReadAsync(stores[0], key));
        }
    }

    [Fact]
    public async Task PutIfMatch_ManyStores_LoseNothing()
    {
        await Open().PutAsync("list", Bytes(""), new(MediaTypes.Json), PutCondition.None, Cancel);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(n => Task.Run(async () =>
        {
            var store = Open();
            for (var added = 0; added < 5;)
            {
                await using var content = await store.GetAsync("list", null, Cancel);
                var text = await new StreamReader(content!.Body).ReadToEndAsync(Cancel);
                if (await store.PutAsync("list", Bytes($"{text}<{n}.{added}>"), new(Types[(n + added) % Types.Length]), PutCondition.IfMatch(content.Info.ETag), Cancel) is not null)
                    added++;
            }
        })));
        var (list, _) = await ReadAsync(Open(), "list");
        Assert.Equal(
            Enumerable.Range(0, 16).SelectMany(n => Enumerable.Range(0, 5).Select(i => $"{n}.{i}")).Order(StringComparer.Ordinal),
            list!.Trim('<', '>').Split("><").Order(StringComparer.Ordinal));
    }

    [Fact]
    [Trait("Needs", "Time")]
    public async Task ChangeOfType_Readers_SeeOneVersion()
    {
        const string key = "v2/app/manifests/m";
        var store = Open();
        await store.PutAsync(key, Bytes($"0|{Types[0]}"), new(Types[0]), PutCondition.None, Cancel);
        using var done = new CancellationTokenSource();
        Task[] readers =
        [
            .. Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
            {
                for (var last = 0; !done.IsCancellationRequested;)
                {
                    var (content, type) = await ReadAsync(store, key);
                    Assert.NotNull(content);
                    var parts = content.Split('|');
                    Assert.Equal(type, parts[1]);
                    // Never a stale file that lies behind, not even for a moment.
                    var version = int.Parse(parts[0], CultureInfo.InvariantCulture);
                    Assert.True(version >= last, $"Version {version} was read after {last}.");
                    last = version;
                }
            }, Cancel)),
            Task.Run(async () =>
            {
                while (!done.IsCancellationRequested)
                    Assert.Equal([key], (await store.ListAsync(new("v2/app/manifests/m", "/"), Cancel)).Objects.Select(o => o.Key));
            }, Cancel),
        ];
        for (var n = 1; n <= 400 && !readers.Any(reader => reader.IsFaulted); n++)
        {
            var type = Types[Random.Shared.Next(Types.Length)];
            await store.PutAsync(key, Bytes($"{n}|{type}"), new(type), PutCondition.None, Cancel);
        }
        await done.CancelAsync();
        await Task.WhenAll(readers);
    }

    // A directory that takes longer to read than a change of type: the new file may come behind the reader and the old one go ahead of it.
    [Theory]
    [InlineData(0)]
    [InlineData(20)] // the file system's clock ticks every so many milliseconds
    [Trait("Category", "Long")]
    public async Task ChangeOfType_WhileALargeDirectoryIsListed_KeyIsThere(int tick)
    {
        var store = Open();
        Directory.CreateDirectory($"{_bucket}/d");
        for (var n = 0; n < 20_000; n++)
            await File.WriteAllTextAsync($"{_bucket}/d/{n:x8}.@json", "", Cancel);
        using var done = new CancellationTokenSource();
        var phase = 0;
        var listings = 0;
        var lister = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                var before = Volatile.Read(ref phase);
                var listed = (await store.ListAsync(new("d/k"), Cancel)).Objects.Select(o => o.Key);
                if (before % 2 == 0 || before != Volatile.Read(ref phase))
                    continue;
                Assert.Equal([$"d/k{before}"], listed);
                listings++;
            }
        }, Cancel);
        while (listings < 500 && !lister.IsCompleted)
        {
            var key = $"d/k{phase + 1}";
            await store.PutAsync(key, Bytes("x"), new(MediaTypes.OctetStream), PutCondition.None, Cancel);
            Interlocked.Increment(ref phase);
            await Task.Delay(Random.Shared.Next(20, 80), Cancel);
            Round();
            await store.PutAsync(key, Bytes("x"), new(MediaTypes.Json), PutCondition.None, Cancel);
            Round();
            // Until a listing that saw one change of type at most has ended.
            for (var ended = Volatile.Read(ref listings); Volatile.Read(ref listings) == ended && !lister.IsCompleted;)
                await Task.Delay(5, Cancel);
            Interlocked.Increment(ref phase);
            await store.DeleteAsync(key, Cancel);
        }
        await done.CancelAsync();
        await lister;

        void Round()
        {
            if (tick > 0)
                Directory.SetLastWriteTimeUtc($"{_bucket}/d", new DateTime(DateTime.UtcNow.Ticks / (tick * TimeSpan.TicksPerMillisecond) * tick * TimeSpan.TicksPerMillisecond, DateTimeKind.Utc));
        }
    }

    [Fact]
    public async Task Delete_OfAnObjectThatHidesAnother_NeverShowsThat()
    {
        var store = Open();
        for (var n = 0; n < 60; n++)
        {
            await store.PutAsync("k", Bytes("hidden"), new(MediaTypes.Json), PutCondition.None, Cancel);
            await store.PutAsync("k", Bytes("hidden"), new(MediaTypes.OciIndex), PutCondition.None, Cancel);
            await store.PutAsync("k", Bytes("shown"), new(MediaTypes.OctetStream), PutCondition.None, Cancel);
            var delete = Task.Run(() => store.DeleteAsync("k", Cancel));
            string? content;
            do
            {
                (content, _) = await ReadAsync(store, "k");
                Assert.NotEqual("hidden", content);
            }
            while (content is not null);
            await delete;
            Assert.Null(await store.HeadAsync("k", Cancel));
        }
    }

    [Fact]
    public async Task PutAndDelete_InOneDirectory_NeverFail()
    {
        // Deleting removes the directories that writing makes.
        await Task.WhenAll(Enumerable.Range(0, 6).Select(n => Task.Run(async () =>
        {
            var store = Open();
            for (var i = 0; i < 60; i++)
            {
                await store.PutAsync($"a/b/c/{n}", Bytes("x"), new(MediaTypes.Json), PutCondition.None, Cancel);
                Assert.NotNull(await store.HeadAsync($"a/b/c/{n}", Cancel));
                await store.DeleteAsync($"a/b/c/{n}", Cancel);
                Assert.Null(await store.HeadAsync($"a/b/c/{n}", Cancel));
            }
        })));
        Assert.Equal([$"{_bucket}/.pail"], Directory.GetDirectories(_bucket));
    }

    [Fact]
    public async Task Complete_PartUnderWay_WaitsForItAndLeavesItOut()
    {
        var store = Open();
        var upload = new UploadId("k", await store.CreateUploadAsync("k", new(MediaTypes.OctetStream), Cancel));
        var part = await store.UploadPartAsync(upload, 1, 0, new(new byte[PartSize]), Cancel);
        using var begun = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var late = Task.Factory.StartNew(() => new FolderUploads(new(_bucket, TimeProvider.System)).AddPart(upload, 2, PartSize, 3, file =>
        {
            begun.Set();
            goOn.Wait(Cancel);
            RandomAccess.Write(file, "abc"u8, PartSize);
        }, Cancel), Cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        begun.Wait(Cancel);
        var complete = store.CompleteUploadAsync(upload, [new(1, part, PartSize)], Cancel);
        Assert.Null(await store.HeadAsync("k", Cancel));
        Assert.False(complete.IsCompleted);
        goOn.Set();
        await late;
        await complete;
        Assert.Equal(PartSize, (await store.HeadAsync("k", Cancel))!.Size);
        Assert.Equal(StoreError.NoSuchUpload, (await Assert.ThrowsAsync<StoreException>(() => store.UploadPartAsync(upload, 2, PartSize, Bytes("x"), Cancel))).Error);
        Assert.Equal(PartSize, (await store.HeadAsync("k", Cancel))!.Size);
        Assert.Empty(Directory.GetFileSystemEntries($"{_bucket}/.pail/uploads"));
    }

    [Fact]
    public async Task Complete_ManyAtOnce_OneMakesTheObject()
    {
        var upload = new UploadId("k", await Open().CreateUploadAsync("k", new(MediaTypes.OctetStream), Cancel));
        var part = await Open().UploadPartAsync(upload, 1, 0, Bytes("part"), Cancel);
        var errors = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            (await Record.ExceptionAsync(() => Open().CompleteUploadAsync(upload, [new(1, part, 4)], Cancel)) as StoreException)?.Error)));
        Assert.Single(errors, error => error is null);
        Assert.All(errors.Where(error => error is not null), error => Assert.Equal(StoreError.NoSuchUpload, error));
        Assert.Equal(("part", MediaTypes.OctetStream), await ReadAsync(Open(), "k"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("../../v2")]
    [InlineData("00000000000000000000000000000000/../../tmp")]
    [InlineData("0000000000000000000000000000000G")]
    public async Task UploadId_NotOurs_IsUnknown(string id)
    {
        var store = Open();
        await store.CreateUploadAsync("k", new(MediaTypes.OctetStream), Cancel);
        var upload = new UploadId("k", id);
        Assert.Equal(StoreError.NoSuchUpload, (await Assert.ThrowsAsync<StoreException>(() => store.UploadPartAsync(upload, 1, 0, Bytes("x"), Cancel))).Error);
        Assert.Equal(StoreError.NoSuchUpload, (await Assert.ThrowsAsync<StoreException>(() => store.CompleteUploadAsync(upload, [new(1, "x", 1)], Cancel))).Error);
        Assert.Empty(await store.ListPartsAsync(upload, Cancel));
        await store.AbortUploadAsync(upload, Cancel);
        Assert.Single(await store.ListUploadsAsync("", Cancel));
    }

    [Fact]
    public async Task UploadId_OfAnotherKey_IsUnknown()
    {
        var store = Open();
        var id = await store.CreateUploadAsync("k", new(MediaTypes.OctetStream), Cancel);
        await store.AbortUploadAsync(new("other", id), Cancel);
        Assert.Equal(StoreError.NoSuchUpload, (await Assert.ThrowsAsync<StoreException>(() => store.UploadPartAsync(new("other", id), 1, 0, Bytes("x"), Cancel))).Error);
        Assert.Single(await store.ListUploadsAsync("k", Cancel));
    }

    [Fact]
    public async Task Parts_ThatOverlapOrLeaveGaps_AreRefused()
    {
        var store = Open();
        var upload = new UploadId("k", await store.CreateUploadAsync("k", new(MediaTypes.OctetStream), Cancel));
        var first = new UploadedPart(1, await store.UploadPartAsync(upload, 1, 0, new(new byte[PartSize]), Cancel), PartSize);
        await RefusedAsync(() => store.UploadPartAsync(upload, 2, PartSize - 1, Bytes("x"), Cancel));
        await RefusedAsync(() => store.UploadPartAsync(upload, 2, -1, Bytes("x"), Cancel));
        await RefusedAsync(() => store.UploadPartAsync(upload, 0, 0, Bytes("x"), Cancel));
        await RefusedAsync(() => store.UploadPartAsync(upload, 10_001, PartSize, Bytes("x"), Cancel));
        var second = new UploadedPart(2, await store.UploadPartAsync(upload, 2, PartSize + 1, Bytes("x"), Cancel), 1);
        await RefusedAsync(() => store.UploadPartAsync(upload, 1, 0, new(new byte[PartSize + 2]), Cancel));
        await RefusedAsync(() => store.CompleteUploadAsync(upload, [first, second], Cancel));
        await RefusedAsync(() => store.CompleteUploadAsync(upload, [second, first], Cancel));
        await RefusedAsync(() => store.CompleteUploadAsync(upload, [second], Cancel));
        await RefusedAsync(() => store.CompleteUploadAsync(upload, [], Cancel));
        await store.CompleteUploadAsync(upload, [first], Cancel);

        static async Task RefusedAsync(Func<Task> call) => Assert.Equal(StoreError.Rejected, (await Assert.ThrowsAsync<StoreException>(call)).Error);
    }

    private static ReadOnlySequence<byte> Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

    private FolderStore Open() => new(_bucket, new());

    private static async Task<(string? Content, string? Type)> ReadAsync(FolderStore store, string key)
    {
        await using var content = await store.GetAsync(key, null, Cancel);
        return content is null ? (null, null) : (await new StreamReader(content.Body).ReadToEndAsync(Cancel), content.Info.ContentType);
    }
}
