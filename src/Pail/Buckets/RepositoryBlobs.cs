using System.Buffers;
using Pail.Buckets.Layouts;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Buckets;

/// <summary>The blobs of a repository.</summary>
public sealed class RepositoryBlobs
{
    // Below it asking whether a blob is there costs more than it can save: new ones, as configs are, take one request, not two.
    internal const int UnaskedLimit = 64 << 10;

    private readonly Repository _repository;

    internal RepositoryBlobs(Repository repository) => _repository = repository;

    private Bucket Bucket => _repository.Bucket;

    private IObjectStore Store => Bucket.Store;

    private TransferEngine Engine => Bucket.Engine;

    /// <summary>Finds a blob, with its size and what it says of its tar; null if there is none. One HEAD.</summary>
    public async Task<Descriptor?> FindAsync(Digest digest, CancellationToken cancel = default) =>
        await Store.HeadAsync(KeyOf(digest), cancel) is { } info ? new Descriptor(MediaTypes.OctetStream, digest, info.Size) { DiffId = BucketLayout.DiffIdOf(info) } : null;

    /// <summary>Adds up the sizes of the blobs. One LIST for each 1,000 blobs, and no more than so many.</summary>
    /// <returns>The bytes, and whether that is all; null where all repositories of the bucket share their blobs.</returns>
    internal async Task<(long Bytes, bool IsAll)?> MeasureAsync(int lists, CancellationToken cancel = default)
    {
        if (Bucket.SharesBlobs)
            return null;
        var bytes = 0L;
        await foreach (var page in Store.ListPagesAsync(new ListQuery(Bucket.Layout.BlobsPrefix(_repository.Name)), cancel))
        {
            bytes += page.Objects.Sum(entry => entry.Size);
            if (--lists == 0 && page.Continuation is not null)
                return (bytes, false);
        }
        return (bytes, true);
    }

    /// <summary>Finds the blob that a layer's tar became when it was compressed so, in this repository or another one; null if none is known. One GET; a HEAD or two more if the bucket remembers one.</summary>
    internal Task<KnownBlob?> FindByTarAsync(Digest diffId, CompressionKind kind, CancellationToken cancel = default) => Bucket.Memory.FindLayerAsync(_repository, diffId, kind, cancel);

    /// <summary>Opens a blob whose size is known, read ahead in parallel: one GET for each 8 MiB. Its bytes are not checked against the digest here.</summary>
    public Stream Open(Descriptor blob, long offset = 0) => Engine.OpenRead(Store, KeyOf(blob.Digest), blob.Size, offset);

    /// <summary>Opens a blob or a range of it over one connection, taken up again where it breaks; null if there is none. One GET.</summary>
    internal Task<ObjectContent?> GetAsync(Digest digest, ByteRange? range, CancellationToken cancel = default) => Store.GetAsync(KeyOf(digest), range, cancel);

    /// <summary>Returns an address that answers GET with the blob for a while. No request.</summary>
    internal Uri Presign(IPresigner presigner, Digest digest, TimeSpan lifetime) => presigner.PresignGet(KeyOf(digest), lifetime);

    /// <summary>Returns what tells a blob from all others of the bucket: the same in repositories that share it. No request.</summary>
    internal string IdentityOf(Digest digest) => KeyOf(digest);

    /// <summary>Stores a blob unless it is there, checking digest and size before anybody can see it.</summary>
    /// <remarks>A new blob of at most 64 KiB costs one PUT; others a HEAD, and if they are new a PUT, or 2 requests and one for each part. In a pool with holds a PUT more.</remarks>
    /// <param name="blob">What the bytes must be.</param>
    /// <param name="open">Opens the bytes, if they are needed.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">The bytes differ from the descriptor (<see cref="Failure.BadContent"/>); nothing is visible then.</exception>
    public Task<BlobOutcome> PutAsync(Descriptor blob, BlobOpener open, CancellationToken cancel = default) => PutAsync(blob, open, NoProgress.Instance, cancel: cancel);

    /// <summary>Stores a blob as the public method does, and reports progress.</summary>
    /// <remarks>
    /// A blob of at most 64 KiB, as configs are, is put without asking first: new ones cost one PUT. Others cost a HEAD, and
    /// if they are new a PUT, or 2 requests and one for each part. One that is in another repository of the bucket is copied
    /// by the store: where that is, the caller says, or for large blobs the bucket's memory.
    /// </remarks>
    /// <param name="blob">What the bytes must be.</param>
    /// <param name="open">Opens the bytes, if they are needed.</param>
    /// <param name="progress">Hears of bytes sent.</param>
    /// <param name="from">A repository of this bucket that should have the blob.</param>
    /// <param name="origin">Another bucket that should have it.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">The bytes differ from the descriptor (<see cref="Failure.BadContent"/>); nothing is visible then.</exception>
    internal async Task<BlobOutcome> PutAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, RepositoryName? from = null, CrossBucketCopy? origin = null, CancellationToken cancel = default)
    {
        var outcome = await PutUnheldAsync(blob, open, progress, from, origin, cancel);
        await HoldAsync(blob.Digest, cancel);
        return outcome;
    }

    /// <summary>Says that the repository holds a blob that is there. One PUT in a bucket that keeps holds, else none.</summary>
    internal Task HoldAsync(Digest digest, CancellationToken cancel) => Bucket.KeepsHolds ? Bucket.Holds.AddAsync(_repository.Name, digest, cancel) : Task.CompletedTask;

    private async Task<BlobOutcome> PutUnheldAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, RepositoryName? from, CrossBucketCopy? origin, CancellationToken cancel)
    {
        if (await LocateAsync(blob, from, cancel) is { } known)
        {
            if (known.Repository == _repository.Name)
                return BlobOutcome.Existed;
            if (await CopyAsync(known, cancel))
                return BlobOutcome.Copied;
        }
        if (origin is not null && await origin.HasAsync(blob, cancel) && await origin.CopyAsync(_repository, blob, cancel))
        {
            await Bucket.Memory.RememberAsync(_repository.Name, blob, cancel);
            return BlobOutcome.Copied;
        }
        await Engine.UploadAsync(Store, KeyOf(blob.Digest), HeadersOf(blob), blob, open, progress, cancel);
        await Bucket.Memory.RememberAsync(_repository.Name, blob, cancel);
        return BlobOutcome.Sent;
    }

    /// <summary>Stores a blob that is in memory and was verified by the caller. One PUT.</summary>
    internal Task PutVerifiedAsync(Descriptor blob, ReadOnlySequence<byte> content, CancellationToken cancel = default) =>
        Engine.PutAsync(Store, KeyOf(blob.Digest), content, HeadersOf(blob) with { Sha256 = blob.Digest.Algorithm == DigestAlgorithm.Sha256 ? blob.Digest : null }, cancel);

    /// <summary>Begins to write a blob whose bytes the caller hashes: it completes the writer only if they have the digest. 2 requests and one for each part.</summary>
    /// <param name="blob">What the bytes must be; its size counts for nothing.</param>
    /// <param name="length">How many bytes come, if that is known.</param>
    internal MultipartWriter Write(Descriptor blob, long? length) => Engine.BeginWriter(Store, KeyOf(blob.Digest), HeadersOf(blob), length);

    /// <summary>
    /// Lets the store make a blob of staged objects, in order, whose bytes the caller verified. One COPY for one piece of at most 2 GiB,
    /// else 2 requests and one for each range. Where the store can't copy, the bytes are read and sent.
    /// </summary>
    /// <returns>False if a piece is gone.</returns>
    internal async Task<bool> AssembleAsync(IReadOnlyList<(string Key, long Size)> pieces, Descriptor blob, CancellationToken cancel = default)
    {
        // Pieces are as large as the client's chunks: where parts must be equal, they can't be joined as they are.
        var whole = pieces.Count == 1 || !Store.WantsEqualParts;
        if (whole && await TryCopyAsync(pieces, KeyOf(blob.Digest), HeadersOf(blob), cancel) is { } copied)
            return copied;
        await Engine.UploadAsync(Store, KeyOf(blob.Digest), HeadersOf(blob), blob, (offset, _) => Task.FromResult(Bucket.Staging.Open(pieces, offset)), NoProgress.Instance, cancel);
        return true;
    }

    /// <summary>Finds the blob to copy from another repository of the bucket; in a pool that is the blob itself. Null if there is none, or the store can't copy. One HEAD.</summary>
    internal async Task<KnownBlob?> FindInAsync(RepositoryName other, Digest digest, CancellationToken cancel = default) =>
        Bucket.SharesBlobs || other == _repository.Name || Bucket.Copier is not null
            ? await Bucket.Repository(other).Blobs.FindAsync(digest, cancel) is { } blob ? new(blob, Bucket.SharesBlobs ? _repository.Name : other) : null
            : null;

    /// <summary>Lets the store copy a blob from the repository it was found in, with what it says of its tar. False if the store can't, or the blob is gone. One COPY, or several for one of more than 2 GiB.</summary>
    internal async Task<bool> CopyAsync(KnownBlob known, CancellationToken cancel = default) =>
        await TryCopyAsync([(Bucket.Layout.BlobKey(known.Repository, known.Blob.Digest), known.Blob.Size)], KeyOf(known.Blob.Digest), HeadersOf(known.Blob), cancel) == true;

    /// <summary>Removes a blob. False if there is none. One HEAD and one DELETE.</summary>
    /// <exception cref="PailException"><see cref="Failure.Conflict"/>: by the bucket's policy, tags are immutable here.</exception>
    public async Task<bool> DeleteAsync(Digest digest, CancellationToken cancel = default)
    {
        if (await Store.HeadAsync(KeyOf(digest), cancel) is null)
            return false;
        await ImmutableImages.RequireNoneAsync(_repository, digest, cancel);
        await Store.DeleteAsync(KeyOf(digest), cancel);
        return true;
    }

    internal string KeyOf(Digest digest) => Bucket.Layout.BlobKey(_repository.Name, digest);

    internal ObjectHeaders HeadersOf(Descriptor blob) => Bucket.Layout.BlobHeadersOf(blob.DiffId);

    // False if a source is gone; null if the store can't copy, or refuses to copy this: the bytes have to be sent.
    private async Task<bool?> TryCopyAsync(IReadOnlyList<(string Key, long Size)> sources, string to, ObjectHeaders headers, CancellationToken cancel)
    {
        if (Bucket.Copier is not { } copier)
            return null;
        try
        {
            return await Engine.CopyAsync(Store, copier, sources, to, headers, cancel);
        }
        catch (StoreException e) when (e.Error is StoreError.Unsupported or StoreError.Rejected or StoreError.AccessDenied)
        {
            if (e.Error == StoreError.Unsupported)
                Bucket.StopCopying();
            return null;
        }
    }

    // Where a blob is that need not be sent: here, or where it can be copied from. Null if that is not known.
    private async Task<KnownBlob?> LocateAsync(Descriptor blob, RepositoryName? from, CancellationToken cancel)
    {
        if (Bucket.SharesBlobs || from == _repository.Name)
            from = null;
        if ((blob.Size > UnaskedLimit || from is not null) && (await FindAsync(blob.Digest, cancel))?.Size == blob.Size)
            return new(blob, _repository.Name);
        if (Bucket.SharesBlobs || Bucket.Copier is null)
            return null;
        var holder = from ?? (blob.Size > LayerLimits.Remembered ? await Bucket.Memory.FindHolderAsync(blob.Digest, cancel) : null);
        if (holder is not { } other || other == _repository.Name)
            return null;
        // What it says of its tar goes with it.
        return await Bucket.Repository(other).Blobs.FindAsync(blob.Digest, cancel) is { } found && found.Size == blob.Size ? new(blob with { DiffId = found.DiffId }, other) : null;
    }
}

/// <summary>A blob that a bucket holds.</summary>
/// <param name="Blob">What it is.</param>
/// <param name="Repository">Where it is.</param>
internal sealed record KnownBlob(Descriptor Blob, RepositoryName Repository);
