using System.Runtime.CompilerServices;
using Pail.Buckets;
using Pail.Cli.Commands;
using Pail.Compression;
using Pail.Dir;
using Pail.Docker;
using Pail.Images;
using Pail.OciLayout;
using Pail.Places;
using Pail.Remote;
using Pail.S3;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Transfer;

namespace Pail.Cli;

/// <summary>The composition root: makes of an address what can be read or written.</summary>
internal sealed class Wiring(Func<BucketRoot.S3, S3Options> s3, RegistryClients registries, RequestMeter meter, bool dryRun = false)
{
    private readonly Dictionary<BucketRoot, IObjectStore> _stores = [];
    private readonly Dictionary<BucketRoot, Bucket> _opened = [];

    /// <summary>Counts the requests of everything opened here.</summary>
    public RequestMeter Meter => meter;

    /// <summary>Moves the bytes of everything opened here.</summary>
    public TransferEngine Engine => registries.Engine;

    /// <summary>Speaks to registries.</summary>
    public RegistryClients Registries => registries;

    /// <summary>The same, but for where buckets are.</summary>
    public Wiring With(Func<BucketRoot.S3, S3Options> others) => new(others, registries, meter);

    /// <summary>The same, but what is written to buckets is only counted, and remembered as long as this lives.</summary>
    public Wiring DryRun() => new(s3, registries, meter, dryRun: true);

    /// <summary>The objects of a bucket; one store for each root, however often it is opened.</summary>
    public IObjectStore OpenStore(BucketRoot root)
    {
        if (_stores.TryGetValue(root, out var store))
            return store;
        store = root switch
        {
            BucketRoot.Folder folder => new FolderStore(folder.Directory, Meter),
            BucketRoot.S3 bucket => OpenS3(bucket),
            _ => throw new InvalidOperationException(),
        };
        return _stores[root] = dryRun ? new DryRunStore(store, Meter) : store;
    }

    /// <summary>The registry in a bucket. Reads the bucket's settings, once.</summary>
    public async Task<Bucket> OpenRegistryAsync(BucketRoot root, CancellationToken cancel)
    {
        if (!_opened.TryGetValue(root, out var registry))
            _opened[root] = registry = IsAnonymous(root)
                // What may be read without credentials are the images, not the settings; and only v2 can be public.
                ? new Bucket(OpenStore(root), Engine, BucketSettings.OfPublic)
                : await Bucket.OpenAsync(OpenStore(root), Engine, cancel);
        return registry;
    }

    /// <summary>The image an address names, to be read.</summary>
    /// <param name="address">Which.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <param name="compression">How layers are compressed that are not; null for the default.</param>
    public async Task<IImageSource> OpenSourceAsync(Address address, CancellationToken cancel, LayerCompression? compression = null) => address switch
    {
        Address.Bucket { Repository: { } name, Reference: { } reference } bucket => new BucketSource((await OpenRegistryAsync(bucket.Root, cancel)).Repository(name), reference),
        Address.OciLayout layout => new OciLayoutSource(layout.Directory, layout.Tag),
        Address.OciArchive archive => new OciArchiveSource(archive.File, archive.Tag),
        Address.Dir dir => new DirSource(dir.Directory),
        Address.DockerArchive archive => new DockerArchiveSource(archive.File, archive.Image, compression),
        Address.DockerDaemon docker => new DockerDaemonSource(DockerEngine.FromEnvironment(), docker.Image, compression),
        Address.Registry { Reference: { } reference } registry => new RegistrySource(registry.Host, registry.Repository, reference, Registries),
        _ => throw Addressed.Bad(address.ToString(), "names no image."),
    };

    /// <summary>The place an address names, to be written.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="from">Where the image comes from: what is in the same registry need not be sent.</param>
    /// <param name="sources">What that is opened by.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<IImageSink> OpenSinkAsync(Address address, Address from, Wiring sources, CancellationToken cancel) => address switch
    {
        Address.Bucket { Repository: { } name, Reference: { } reference } bucket => new BucketSink(
            (await OpenRegistryAsync(bucket.Root, cancel)).Repository(name), reference,
            from is Address.Bucket other && other.Root == bucket.Root && sources == this ? other.Repository : null,
            await OriginAsync(from, sources, bucket.Root, cancel)),
        Address.OciLayout layout => new OciLayoutSink(layout.Directory, layout.Tag),
        Address.OciArchive archive => new OciArchiveSink(archive.File, archive.Tag),
        Address.Dir dir => new DirSink(dir.Directory),
        Address.DockerArchive archive => new DockerArchiveSink(archive.File, archive.Image),
        Address.DockerDaemon docker => new DockerDaemonSink(DockerEngine.FromEnvironment(), docker.Image),
        Address.Registry { Reference: { } reference } registry => new RegistrySink(registry.Host, registry.Repository, reference, Registries, from is Address.Registry other && other.Host == registry.Host ? other.Repository : null),
        _ => throw Addressed.Bad(address.ToString(), "names no image."),
    };

    // Another bucket on S3, maybe of the same store.
    private async Task<CrossBucketCopy?> OriginAsync(Address from, Wiring sources, BucketRoot to, CancellationToken cancel) =>
        to is BucketRoot.S3 && from is Address.Bucket { Root: BucketRoot.S3 root, Repository: { } name } && (root != to || sources != this)
            ? new(await sources.OpenRegistryAsync(root, cancel), name, await OpenRegistryAsync(to, cancel))
            : null;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool IsAnonymous(BucketRoot root) => root is BucketRoot.S3 bucket && s3(bucket).Anonymous;

    // Apart, so that the S3 client is loaded for buckets only.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private S3Store OpenS3(BucketRoot.S3 bucket) => S3Store.Open(s3(bucket), Meter);
}
