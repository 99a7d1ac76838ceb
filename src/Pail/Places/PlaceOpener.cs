using Pail.Buckets;
using Pail.Compression;
using Pail.Dir;
using Pail.Docker;
using Pail.Images;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Remote;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Transfer;

namespace Pail.Places;

/// <summary>Opens what addresses name: stores, buckets, sources and sinks. Each bucket is opened once. Used by several threads at once.</summary>
/// <param name="stores">Used in place of the registered providers of the same schemes.</param>
/// <param name="registries">Speaks to registries, and has the engine that moves the bytes.</param>
/// <param name="meter">Counts the requests of everything opened here.</param>
/// <param name="dryRun">Writes to buckets are only counted, and remembered as long as this lives.</param>
internal sealed class PlaceOpener(IReadOnlyList<IStoreProvider> stores, RegistryClients registries, RequestMeter meter, bool dryRun = false) : IDisposable
{
    private readonly Dictionary<BucketRoot, IObjectStore> _stores = [];
    private readonly Dictionary<BucketRoot, Bucket> _buckets = [];
    private readonly SemaphoreSlim _opening = new(1);

    /// <summary>Counts the requests of everything opened here.</summary>
    public RequestMeter Meter => meter;

    /// <summary>Moves the bytes of everything opened here.</summary>
    public TransferEngine Engine => registries.Engine;

    /// <summary>Speaks to registries.</summary>
    public RegistryClients Registries => registries;

    /// <summary>Returns an opener that finds other stores, and shares the rest.</summary>
    public PlaceOpener With(params IReadOnlyList<IStoreProvider> others) => new(others, registries, meter);

    /// <summary>Returns an opener that finds the same, but only counts and remembers what is written to buckets.</summary>
    public PlaceOpener DryRun() => new(stores, registries, meter, dryRun: true);

    /// <summary>Returns the objects of a bucket. Makes no request.</summary>
    public IObjectStore OpenStore(BucketRoot root)
    {
        lock (_stores)
        {
            if (_stores.TryGetValue(root, out var known))
                return known;
            var store = StoreProviders.Open(root, stores, meter);
            return _stores[root] = dryRun ? new DryRunStore(store, meter) : store;
        }
    }

    /// <summary>Makes a bucket unless it is there: one request, none for a folder. Returns true if it was made now.</summary>
    public async Task<bool> MakeBucketAsync(BucketRoot root, CancellationToken cancel = default)
    {
        if (OpenStore(root).Abilities.Admin is { } admin)
            return await Engine.Retry.RunAsync(admin.CreateBucketAsync, cancel);
        if (root is not BucketRoot.Folder { Directory: var path } || Directory.Exists(path))
            return false;
        FolderStore.Create(path);
        return true;
    }

    /// <summary>Opens the registry in a bucket. Reads the bucket's settings the first time: one GET, and a LIST if there are none.</summary>
    public async Task<Bucket> OpenBucketAsync(BucketRoot root, CancellationToken cancel = default)
    {
        await _opening.WaitAsync(cancel);
        try
        {
            if (!_buckets.TryGetValue(root, out var bucket))
                _buckets[root] = bucket = root is BucketRoot.Url url && StoreProviders.Of(url, stores).IsAnonymous(url)
                    // Without credentials the images can be read, the settings can't; and only v2 can be public.
                    ? new Bucket(OpenStore(root), Engine, BucketSettings.OfPublic)
                    : await Bucket.OpenAsync(OpenStore(root), Engine, cancel);
            return bucket;
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Opens the image an address names, to be read.</summary>
    /// <param name="address">The image.</param>
    /// <param name="compression">How layers that are not compressed are compressed; null for the default.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<IImageSource> OpenSourceAsync(Address address, LayerCompression? compression = null, CancellationToken cancel = default) => address switch
    {
        Address.Bucket { Repository: { } name, Reference: { } reference } bucket => new BucketSource((await OpenBucketAsync(bucket.Root, cancel)).Repository(name), reference),
        Address.OciLayout layout => new OciLayoutSource(Addressed.Path(address, layout.Directory, layout.Tag), layout.Tag),
        Address.OciArchive archive => new OciArchiveSource(Addressed.Path(address, archive.File, archive.Tag), archive.Tag),
        Address.Dir dir => new DirSource(dir.Directory),
        Address.DockerArchive archive => new DockerArchiveSource(Addressed.Path(address, archive.File, archive.Image), archive.Image, compression),
        Address.DockerDaemon docker => new DockerDaemonSource(DockerEngine.FromEnvironment(), docker.Image, compression),
        Address.Registry { Reference: { } reference } registry => new RegistrySource(registry.Host, registry.Repository, reference, registries),
        _ => throw Addressed.Bad(address.ToString(), "names no image."),
    };

    /// <summary>Opens the place an address names, to be written.</summary>
    /// <param name="address">The destination.</param>
    /// <param name="from">The source: blobs that are in the same registry or store are not sent.</param>
    /// <param name="sources">The opener of the source.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<IImageSink> OpenSinkAsync(Address address, Address from, PlaceOpener sources, CancellationToken cancel = default) => address switch
    {
        Address.Bucket { Repository: { } name, Reference: { } reference } bucket => new BucketSink(
            (await OpenBucketAsync(bucket.Root, cancel)).Repository(name), bucket.Tag is null ? reference : Reference.Parse(bucket.Tag),
            from is Address.Bucket other && other.Root == bucket.Root && sources == this ? other.Repository : null,
            await OriginAsync(from, sources, bucket.Root, cancel)) { Expected = reference.Digest },
        Address.OciLayout layout => new OciLayoutSink(Addressed.Path(address, layout.Directory, layout.Tag), layout.Tag),
        Address.OciArchive archive => new OciArchiveSink(Addressed.Path(address, archive.File, archive.Tag), archive.Tag),
        Address.Dir dir => new DirSink(dir.Directory),
        Address.DockerArchive archive => new DockerArchiveSink(Addressed.Path(address, archive.File, archive.Image), archive.Image),
        Address.DockerDaemon docker => new DockerDaemonSink(DockerEngine.FromEnvironment(), docker.Image),
        Address.Registry { Reference: { } reference } registry => new RegistrySink(
            registry.Host, registry.Repository, registry.Tag is null ? reference : Reference.Parse(registry.Tag), registries,
            from is Address.Registry other && other.Host == registry.Host ? other.Repository : null) { Expected = reference.Digest },
        _ => throw Addressed.Bad(address.ToString(), "names no image."),
    };

    /// <summary>Lists the tags of a repository of a bucket or a registry, in its own order; a page of 1,000 takes one request.</summary>
    /// <exception cref="PailException">The address names no repository, or the registry has none of that name.</exception>
    public async Task<IAsyncEnumerable<string>> ListTagsAsync(Address repository, CancellationToken cancel = default) => repository switch
    {
        Address.Registry { Reference: null } registry => RegistryTags.ListAsync(registry.Host, registry.Repository, registries, cancel),
        Address.Bucket { Repository: { } name, Reference: null } bucket => (await OpenBucketAsync(bucket.Root, cancel)).Repository(name).Tags.ListAsync(null, cancel),
        _ => throw Addressed.Bad(repository.ToString(), "a repository is expected, without tag or digest, such as s3://BUCKET/app or docker://HOST/app."),
    };

    /// <summary>Closes the stores. What was opened here must be disposed before.</summary>
    public void Dispose()
    {
        foreach (var store in _stores.Values.Select(store => store.Innermost).OfType<IDisposable>())
            store.Dispose();
        _opening.Dispose();
    }

    // Another bucket of the same kind, maybe in the same store.
    private async Task<CrossBucketCopy?> OriginAsync(Address from, PlaceOpener sources, BucketRoot to, CancellationToken cancel) =>
        to is BucketRoot.Url url && from is Address.Bucket { Root: BucketRoot.Url root, Repository: { } name } && root.Scheme == url.Scheme && (root != to || sources != this)
            ? new(await sources.OpenBucketAsync(root, cancel), name, await OpenBucketAsync(to, cancel))
            : null;
}
