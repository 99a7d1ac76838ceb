using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Buckets;

/// <summary>
/// A bucket of images: its repositories, and what belongs to none of them. The command line and the server both work with it.
/// Holds no state but what it learnt of the store; any number may work on one bucket at once.
/// </summary>
public sealed partial class Bucket
{
    // Unset by the first 501: what a store can't do it isn't asked for again.
    private volatile bool _copies = true;

    /// <summary>Makes a bucket whose settings are known. No request.</summary>
    internal Bucket(IObjectStore store, TransferEngine engine, BucketSettings settings)
    {
        _settingsSeen = engine.Retry.Time.GetTimestamp();
        (Retrying, Engine, Settings, Layout) = (engine.Retrying(store), engine, settings, BucketLayout.Of(settings.Layout));
        Lists = new StaticLists(this);
        Conditions = new StoreConditions(this);
        Memory = new LayerMemory(this);
        Staging = new StagingArea(this);
        Guard = new WriteGuard(this);
        Holds = new Holds(this);
    }

    /// <summary>The address people know it by, such as <c>s3://acme</c>.</summary>
    public string Name => Store.Name;

    /// <summary>What the bucket says of itself.</summary>
    public BucketSettings Settings { get; }

    /// <summary>True if all repositories share their blobs and manifests by digest: what is in one is in all.</summary>
    public bool SharesBlobs => Layout.SharesBlobs;

    /// <summary>True if the bucket was set up just now and its store refused the key <c>v2/</c>: then a web server in front of it has to answer <c>GET /v2/</c>.</summary>
    internal bool LacksRoot { get; set; }

    /// <summary>Where bytes wait that are no blob yet.</summary>
    internal StagingArea Staging { get; }

    internal IObjectStore Store => Retrying;

    internal RetryingStore Retrying { get; }

    /// <summary>What copies within the bucket; null where the store can't, as it said or once it has refused to.</summary>
    internal IServerSideCopy? Copier => _copies ? Store.Abilities.Copy : null;

    internal TransferEngine Engine { get; }

    internal BucketLayout Layout { get; }

    internal StaticLists Lists { get; }

    internal LayerMemory Memory { get; }

    internal StoreConditions Conditions { get; }

    /// <summary>Which repositories hold what they share.</summary>
    internal Holds Holds { get; }

    /// <summary>True if whoever works with the bucket goes by rules, whatever the settings say.</summary>
    internal bool HasRules { get; set; }

    /// <summary>True if pushes write down which repository holds what they share, and what is not held is not there.</summary>
    internal bool KeepsHolds => SharesBlobs && (Settings.Holds || HasRules);

    /// <summary>Opens a bucket: one GET, for its settings; a LIST more if it has none.</summary>
    /// <exception cref="PailException">No such bucket, no permission, or settings nobody understands.</exception>
    internal static async Task<Bucket> OpenAsync(IObjectStore store, TransferEngine engine, CancellationToken cancel = default)
    {
        var asked = engine.Retry.Time.GetTimestamp();
        return new(store, engine, await BucketSettings.ReadAsync(engine.Retrying(store), cancel)) { _settingsSeen = asked };
    }

    /// <summary>Reads the settings again. One GET.</summary>
    /// <returns>This bucket if they are the same or were removed; else one that goes by the new ones.</returns>
    /// <exception cref="PailException">The settings can't be understood, or the store failed.</exception>
    internal async Task<Bucket> RefreshAsync(CancellationToken cancel = default)
    {
        var asked = Engine.Retry.Time.GetTimestamp();
        if (await BucketSettings.TryReadAsync(Store, cancel) is { } settings && settings != Settings)
            return new(Store, Engine, settings) { _settingsSeen = asked, Steps = Steps, HasRules = HasRules };
        Volatile.Write(ref _settingsSeen, asked);
        return this;
    }

    internal void StopCopying() => _copies = false;

    /// <summary>Returns a repository, which need not exist. No request.</summary>
    public Repository Repository(RepositoryName name) => new(this, name);

    /// <summary>Finds out whether the bucket can be reached. One GET, made once: it distinguishes a missing bucket from a missing object.</summary>
    /// <exception cref="StoreException">It can't be reached.</exception>
    internal async Task PingAsync(CancellationToken cancel = default)
    {
        if (await Retrying.Once.GetAsync(BucketSettings.Key, null, cancel) is { } content)
            await content.DisposeAsync();
    }

    /// <summary>Memory of parts on their way to and from it.</summary>
    internal Transfer.BufferPool Buffers => Engine.Buffers;

    /// <summary>True if a blob of this size in bytes is written by one request, false if in parts.</summary>
    internal bool IsWrittenWhole(long size) => Engine.IsWrittenWhole(size);
}
