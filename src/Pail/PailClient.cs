using System.Runtime.CompilerServices;
using Pail.Buckets;
using Pail.Compare;
using Pail.Copy;
using Pail.Oci;
using Pail.Places;
using Pail.Remote;
using Pail.Stores;
using Pail.Transfer;

namespace Pail;

/// <summary>
/// Copies images between any two addresses, and reads buckets. Buckets, connections and tokens are kept for later calls, so one
/// client serves a whole process; it may be used by several threads at once. Addresses are those of the command line.
/// </summary>
public sealed class PailClient : IAsyncDisposable
{
    private readonly RegistryClients _registries;
    private readonly PlaceOpener _places;
    private readonly PlaceOpener _sources;

    /// <summary>Makes a client. Makes no request.</summary>
    /// <param name="options">Limits, stores and registries; null for the defaults.</param>
    public PailClient(PailOptions? options = null)
    {
        options ??= new();
        _registries = new RegistryClients(options.Registries, new TransferEngine(options.Transfer));
        _places = new PlaceOpener(options.Stores, _registries, new RequestMeter());
        _sources = options.SourceStores is { } others ? _places.With(others) : _places;
    }

    /// <summary>Counts the requests that this client has made to stores, by kind, with their price.</summary>
    public RequestMeter Requests => _places.Meter;

    /// <summary>
    /// Copies an image, index or artifact. Blobs that the destination has are not sent; the destination's tag is written last,
    /// once everything it names is there and verified. docs/costs.md lists the requests.
    /// </summary>
    /// <param name="from">The source, such as <c>oci:./app</c> or <c>docker://alpine:3</c>; without a tag, <c>latest</c>.</param>
    /// <param name="to">The destination, such as <c>s3://acme/app:1</c>; a repository or tag left out is the source's.</param>
    /// <param name="options">What to copy of an index, and how to compress layers; null for the whole, as it is.</param>
    /// <param name="progress">Hears how far the copy is; null for nobody.</param>
    /// <param name="cancel">Interrupts the copy. Uploads under way are aborted before this returns.</param>
    /// <exception cref="PailException">The copy failed. <see cref="PailException.Failure"/> says how; the destination's tag names what it named before.</exception>
    public async Task<CopyResult> CopyAsync(string from, string to, CopyOptions? options = null, IProgress<CopyProgress>? progress = null, CancellationToken cancel = default)
    {
        options ??= new();
        var origin = Addressed.Image(from);
        var destination = Destinations.Anywhere(to, origin);
        await using var source = await _sources.OpenSourceAsync(origin, options.Compression, cancel);
        await using var sink = await _places.OpenSinkAsync(destination, origin, _sources, cancel);
        return await ImageCopy.RunAsync(source, sink, options, CopyProgressReporter.For(progress), cancel);
    }

    /// <summary>
    /// Compares two images: configs, layers, packages and files. Reads manifests and configs, and the layers that only one image has; those
    /// below, which both have, only where the answer depends on them. Layers are decompressed into temporary files, one after the other.
    /// </summary>
    /// <param name="old">The first image, such as <c>s3://acme/app:1</c>.</param>
    /// <param name="new">The second image, at any address.</param>
    /// <param name="platform">Which image of an index; null for that of the other image, if only one address names an index, else the host's.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">One is not there, is no image, or is damaged.</exception>
    public async Task<ImageDiff> DiffAsync(string old, string @new, Platform? platform = null, CancellationToken cancel = default)
    {
        await using var first = await _sources.OpenSourceAsync(Addressed.Image(old), cancel: cancel);
        await using var second = await _sources.OpenSourceAsync(Addressed.Image(@new), cancel: cancel);
        return await ImageComparison.RunAsync(first, second, platform, cancel);
    }

    /// <summary>Lists the tags of a repository of a bucket or registry, in its own order. A page of 1,000 takes one request.</summary>
    /// <param name="repository">The repository, such as <c>s3://acme/app</c> or <c>docker://alpine</c>.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">The address names no repository, or the store or registry failed. A bucket's repository that is not there has no tags.</exception>
    public async IAsyncEnumerable<string> ListTagsAsync(string repository, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        await foreach (var tag in (await _sources.ListTagsAsync(AddressParser.Parse(repository), cancel)).WithCancellation(cancel))
            yield return tag;
    }

    /// <summary>Opens a bucket: its repositories, tags, manifests and blobs. Reads its settings the first time: one GET, and a LIST if there are none.</summary>
    /// <param name="bucket">The bucket, such as <c>s3://acme</c> or <c>file:/srv/images</c>.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">The address is not one of a whole bucket, or the bucket can't be read.</exception>
    public Task<Bucket> OpenBucketAsync(string bucket, CancellationToken cancel = default) => _places.OpenBucketAsync(AddressParser.ParseRoot(bucket), cancel);

    /// <summary>
    /// Makes a bucket or folder unless it is there, and marks it as one that holds images, which only people with credentials pull. Harmless
    /// where that was done before. Takes at most five requests.
    /// </summary>
    /// <param name="bucket">The bucket, such as <c>s3://acme</c> or <c>file:/srv/images</c>.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">The address is not one of a whole bucket, or the bucket belongs to somebody else.</exception>
    public async Task InitBucketAsync(string bucket, CancellationToken cancel = default)
    {
        var root = AddressParser.ParseRoot(bucket);
        await _places.MakeBucketAsync(root, cancel);
        await BucketSetup.RunAsync(_places.OpenStore(root), _places.Engine, layout: null, open: null, cancel);
    }

    /// <summary>Closes all connections. Copies under way must have ended.</summary>
    public ValueTask DisposeAsync()
    {
        _registries.Dispose();
        _places.Dispose();
        if (_sources != _places)
            _sources.Dispose();
        return ValueTask.CompletedTask;
    }
}
