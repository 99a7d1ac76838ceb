using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Retention;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Transfer;

namespace Pail.Tests.Retention;

/// <summary>A bucket in a folder whose clock the test turns, with a retention policy.</summary>
internal sealed class RetainedBucket : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TestFolder _folder = new();
    private readonly TransferEngine _engine = new(new TransferOptions());

    private RetainedBucket() => FolderStore.Create(_folder["bucket"]);

    public static RepositoryName App { get; } = RepositoryName.Parse("team/app");

    /// <summary>The store's clock.</summary>
    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));

    public static async Task<RetainedBucket> NewAsync(LayoutKind layout, string policy, bool open = false)
    {
        var bucket = new RetainedBucket();
        await BucketSetup.RunAsync(bucket.Store(), bucket._engine, BucketLayout.Of(layout), open, None);
        await RetentionFile.WriteAsync(await bucket.OpenAsync(), policy, None);
        return bucket;
    }

    public async Task<Bucket> OpenAsync(Func<IObjectStore, IObjectStore>? over = null)
    {
        var store = Store();
        return await Bucket.OpenAsync(over is null ? store : over(store), _engine, None);
    }

    public async Task<Manifest> PushAsync(MemoryImage image, string tag)
    {
        await ImageCopy.RunAsync(image, new BucketSink((await OpenAsync()).Repository(App), Reference.Parse(tag)), new(), NoProgress.Instance, None);
        return image.Root!;
    }

    /// <summary>Pushes a new image a day, each with a layer of its own.</summary>
    public async Task<Dictionary<string, Manifest>> PushDailyAsync(params string[] tags)
    {
        var pushed = new Dictionary<string, Manifest>();
        foreach (var tag in tags)
        {
            pushed[tag] = await PushAsync(MemoryImage.Simple(), tag);
            Time.Advance(TimeSpan.FromDays(1));
        }
        return pushed;
    }

    public async Task<RetainReport> RetainAsync(bool dryRun = false, Action<string>? say = null, IReadOnlyList<InUseList>? inUse = null, Func<IObjectStore, IObjectStore>? over = null)
    {
        var bucket = await OpenAsync(over);
        return await new RetentionRun(bucket, (await RetentionFile.ReadAsync(bucket, None))!.Policy, inUse ?? [], new() { Alone = true, Pace = 5, DryRun = dryRun }, say).RunAsync(None);
    }

    public async Task<CollectReport> CollectAsync() => await new Collector(await OpenAsync(), new() { Alone = true, Pace = 5 }).RunAsync(None);

    public async Task<List<string>> TagsAsync() => await (await OpenAsync()).Repository(App).Tags.ListAsync(cancel: None).ToListAsync(None);

    public async Task<List<BucketItem>> ItemsAsync(KeyKind kind) => await (await OpenAsync()).ListItemsAsync(None).Where(item => item.Meaning.Kind == kind).ToListAsync(None);

    /// <summary>What was kept of a tag; null if nothing was.</summary>
    public async Task<RemovedEntry?> KeptAsync(string tag)
    {
        foreach (var item in await ItemsAsync(KeyKind.Removed))
            if (RemovedKey.Read(item.Entry.Key) is var (repository, reference) && (repository, reference.Tag) == (App, tag))
                return RemovedEntry.Read((await SmallObject.ReadAsync((await OpenAsync()).Store, item.Entry.Key, 64 << 20, None))!.Bytes);
        return null;
    }

    /// <summary>Whether a manifest and all its parts are there.</summary>
    public async Task<bool> IsWholeAsync(Digest digest)
    {
        var repository = (await OpenAsync()).Repository(App);
        if (await repository.Manifests.GetAsync(Reference.Of(digest), None) is not { } manifest)
            return false;
        foreach (var blob in manifest.Blobs)
            if (await repository.Blobs.FindAsync(blob.Digest, None) is null)
                return false;
        foreach (var child in manifest.Manifests)
            if (!await IsWholeAsync(child.Digest))
                return false;
        return true;
    }

    public void Dispose() => _folder.Dispose();

    private DatedStore Store() => new(new FolderStore(_folder["bucket"], new RequestMeter(), Time), _folder["bucket"], Time);
}

/// <summary>A folder whose files are as old as the test's clock says.</summary>
internal sealed class DatedStore(IObjectStore inner, string folder, TimeProvider time) : StoreLayer(inner)
{
    public override StoreAbilities Abilities => Inner.Abilities with { Fences = new OpenFences(this, Inner.Abilities.Fences), Copy = null, CopyBetween = null };

    public override async Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default)
    {
        var etag = await base.PutAsync(key, body, headers, condition, cancel);
        if (etag is not null)
            File.SetLastWriteTimeUtc(FileOf(key), time.GetUtcNow().UtcDateTime);
        return etag;
    }

    // What follows the mark is the object's type.
    private string FileOf(string key) => Path.Combine(folder, FolderPaths.Of(key)) is var path && File.Exists(path) ? path
        : Directory.EnumerateFiles(Path.GetDirectoryName(path)!, Path.GetFileName(path) + ".@*").OrderBy(File.GetLastWriteTimeUtc).Last();
}
