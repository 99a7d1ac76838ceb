using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit;

namespace Pail.Tests.Stores;

/// <summary>Writers that are killed (SIGKILL) at any moment: what they leave is whole, old or new, and in nobody's way.</summary>
[NeedsServers]
public sealed class FolderCrashTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("pail-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public Task Writer_KilledManyTimes_LeavesWholeObjects() => KillAsync(12);

    [Fact]
    [Trait("Category", "Long")]
    public Task Writer_KilledAHundredTimes_LeavesWholeObjects() => KillAsync(100);

    private async Task KillAsync(int times)
    {
        var cancel = TestContext.Current.CancellationToken;
        var bucket = Path.Combine(_directory, "bucket");
        FolderStore.Create(bucket);
        for (var n = 0; n < times; n++)
        {
            var log = Path.Combine(_directory, $"log{n}");
            string[] logs = [.. Enumerable.Range(0, CrashWriter.Threads).Select(thread => $"{log}.{thread}")];
            using (var writer = CrashWriter.Start(bucket, log))
            {
                while (!logs.All(file => File.Exists(file) && CrashWriter.Last(file) > 1))
                {
                    Assert.False(writer.HasExited, "The writer ended by itself.");
                    await Task.Delay(5, cancel);
                }
                await Task.Delay(Random.Shared.Next(40), cancel);
                writer.Kill();
                await writer.WaitForExitAsync(cancel);
            }
            await CheckAsync(bucket, logs, cancel);
        }
    }

    private static async Task CheckAsync(string bucket, string[] logs, CancellationToken cancel)
    {
        var store = new FolderStore(bucket, new());
        var found = new Dictionary<string, int>();
        var listed = (await store.ListAsync(new(""), cancel)).Objects;
        foreach (var entry in listed)
        {
            await using var content = await store.GetAsync(entry.Key, null, cancel);
            Assert.NotNull(content);
            using var copy = new MemoryStream();
            await content.Body.CopyToAsync(copy, cancel);
            found.Add(entry.Key, CrashWriter.VersionOf(entry.Key, content.Info, copy.ToArray()));
            Assert.Equal(entry.ETag, content.Info.ETag);
        }
        Assert.Empty(found.Keys.Except(Enumerable.Range(0, CrashWriter.Threads).SelectMany(CrashWriter.KeysOf)));
        foreach (var (thread, log) in logs.Index())
        {
            var (answered, last) = (CrashWriter.Answered(log), CrashWriter.Last(log));
            string[] keys = CrashWriter.KeysOf(thread);
            Assert.InRange(found[keys[0]], answered, last);
            // What a version does after that is done when the next has begun.
            Assert.InRange(found[keys[3]], answered - 1, last);
            if (found.TryGetValue(keys[1], out var version))
                Assert.InRange(version, answered - 1, last);
        }
        foreach (var pending in await store.ListUploadsAsync("", cancel))
        {
            // An upload cut short can be gone on with by anybody.
            var parts = await store.ListPartsAsync(pending.Upload, cancel);
            if (parts.Count == 1)
                await store.CompleteUploadAsync(pending.Upload, parts, cancel);
            else
                await store.AbortUploadAsync(pending.Upload, cancel);
        }
        Assert.Empty(await store.ListUploadsAsync("", cancel));
    }
}
