using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Buckets;

public sealed partial class BucketRegistry
{
    /// <summary>What <c>PutBlobAsync</c> would do, tries again aside: it looks as that does, and counts the requests that would write.</summary>
    /// <param name="meter">Counts them.</param>
    /// <param name="repository">Where to.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="from">A repository of this bucket that holds it; null for none.</param>
    /// <param name="origin">Another bucket that holds it; null for none.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<BlobOutcome> ForecastBlobAsync(RequestMeter meter, RepositoryName repository, Descriptor blob, RepositoryName? from, CrossBucketCopy? origin, CancellationToken cancel)
    {
        if (await LocateAsync(repository, blob, from, cancel) is { } known)
            return ForecastCopy(meter, known, repository);
        foreach (var _ in EntryKeys(blob))
            meter.Count(StoreOperation.PutObject);
        if (origin is not null && await origin.HasAsync(blob, cancel))
        {
            ForecastCopy(meter, blob);
            return BlobOutcome.Copied;
        }
        ForecastUpload(meter, blob);
        return BlobOutcome.Sent;
    }

    /// <summary>Counts the requests that <see cref="PutManifestAsync"/> would make.</summary>
    public void ForecastManifest(RequestMeter meter, Manifest manifest)
    {
        if (Settings.Public)
            meter.Count(StoreOperation.PutObject);
        if (manifest.Subject is not null)
            ForecastChange(meter);
        meter.Count(StoreOperation.PutObject);
    }

    /// <summary>Counts the requests that <see cref="TagAsync"/> would make, at most: in a public bucket the repository may be listed already.</summary>
    public void ForecastTag(RequestMeter meter, RepositoryName repository, string tag, bool replaces)
    {
        foreach (var _ in Layout.TagCompanions(repository, tag))
            meter.Count(StoreOperation.PutObject);
        if (Settings.Public && !replaces)
        {
            ForecastChange(meter);
            ForecastChange(meter);
        }
        meter.Count(StoreOperation.PutObject);
        if (Settings.Public)
            meter.Count(StoreOperation.GetObject);
    }

    /// <summary>What becomes of a blob that was found: nothing where it is, else counts the requests that copy it.</summary>
    public BlobOutcome ForecastCopy(RequestMeter meter, KnownBlob known, RepositoryName repository)
    {
        if (known.Repository == repository)
            return BlobOutcome.Existed;
        ForecastCopy(meter, known.Blob);
        return BlobOutcome.Copied;
    }

    private void ForecastUpload(RequestMeter meter, Descriptor blob)
    {
        if (blob.Size <= Math.Min(Engine.Options.SinglePutLimit, Engine.Buffers.Limit / 2))
        {
            meter.Count(StoreOperation.PutObject);
            return;
        }
        var part = PartPlan.For(blob.Size, Engine.Buffers.Limit).SizeOf(1);
        meter.Count(StoreOperation.CreateMultipartUpload);
        for (var at = 0L; at < blob.Size; at += part)
            meter.Count(StoreOperation.UploadPart);
        meter.Count(StoreOperation.CompleteMultipartUpload);
    }

    // As ServerSideCopy does it: whole, or by ranges of a quarter of the limit.
    private void ForecastCopy(RequestMeter meter, Descriptor blob)
    {
        var limit = Engine.Options.SingleCopyLimit;
        if (blob.Size <= limit)
        {
            meter.Count(StoreOperation.CopyObject);
            return;
        }
        meter.Count(StoreOperation.CreateMultipartUpload);
        for (var at = 0L; at < blob.Size; at += limit / 4)
            meter.Count(StoreOperation.UploadPartCopy);
        meter.Count(StoreOperation.CompleteMultipartUpload);
    }

    // A small object read, changed and written back.
    private static void ForecastChange(RequestMeter meter)
    {
        meter.Count(StoreOperation.GetObject);
        meter.Count(StoreOperation.PutObject);
    }
}
