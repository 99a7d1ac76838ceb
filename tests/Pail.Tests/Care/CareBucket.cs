using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Transfer;

namespace Pail.Tests.Care;

/// <summary>A bucket in a folder or in memory, reached through a store that can die, as a process does at <c>kill -9</c>.</summary>
internal sealed class CareBucket : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TestFolder _folder = new();
    private readonly TransferEngine _engine = new(new TransferOptions());

    private readonly CareStore? _memory;

    private CareBucket(LayoutKind layout, bool open, CareStore? memory)
    {
        (Layout, Open, _memory) = (layout, open, memory);
        FolderStore.Create(_folder["bucket"]);
    }

    public static RepositoryName App { get; } = RepositoryName.Parse("team/app");

    public LayoutKind Layout { get; }

    public bool Open { get; }

    public string Address => $"file:{_folder["bucket"]}";

    public static async Task<CareBucket> NewAsync(LayoutKind layout = LayoutKind.V2, bool open = false, bool inMemory = false)
    {
        var bucket = new CareBucket(layout, open, inMemory ? new CareStore() : null);
        await BucketSetup.RunAsync(bucket.Store, bucket._engine, BucketLayout.Of(layout), open, None);
        return bucket;
    }

    private IObjectStore Store => (IObjectStore?)_memory ?? new FolderStore(_folder["bucket"], new RequestMeter());

    /// <summary>Another bucket that holds the same; only of one in memory.</summary>
    public CareBucket Copy() => new(Layout, Open, _memory!.Copy());

    /// <summary>Opens it as a new process does.</summary>
    public async Task<Bucket> OpenAsync(Func<IObjectStore, IObjectStore>? over = null)
    {
        var store = Store;
        return await Bucket.OpenAsync(over?.Invoke(store) ?? store, _engine, None);
    }

    public async Task<Manifest> PushAsync(MemoryImage image, string tag, string? by = null, RepositoryName? repository = null)
    {
        var to = (await OpenAsync()).Repository(repository ?? App);
        await ImageCopy.RunAsync(image, new BucketSink(by is null ? to : to.For(by), Reference.Parse(tag)), new(), NoProgress.Instance, None);
        return image.Root!;
    }

    /// <summary>All keys and versions, in order.</summary>
    public async Task<List<string>> KeysAsync(string prefix = "") =>
        await (await OpenAsync()).ListItemsAsync(None).Where(item => item.Entry.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(item => item.Entry.Key).ToListAsync(None);

    /// <summary>Reads every tag with all that it names; fails if anything is missing.</summary>
    public async Task AssertWholeAsync(params Reference[] references)
    {
        var bucket = await OpenAsync();
        foreach (var reference in references)
            Assert.Empty(await bucket.Repository(App).Manifests.FindMissingAsync((await bucket.Repository(App).Manifests.GetAsync(reference, None))!, None));
    }

    public void Dispose() => _folder.Dispose();
}
