using System.Buffers;
using System.IO.Pipelines;
using Pail.Buckets;
using Pail.Oci;

namespace Pail.Server.Uploads;

/// <summary>
/// Takes a blob whose digest is stated before its bytes come. They go straight to the blob's own key: few are gathered and
/// put by one request, many are sent in parts while they come; completed only if they have the digest.
/// </summary>
internal sealed class BlobReceiver(RegistryServices services, JoinedWork joined)
{
    private readonly SharedUploads _shared = new();

    /// <summary>Takes the bytes and returns how many they were. When it returns, the blob is stored.</summary>
    /// <param name="repository">Where to.</param>
    /// <param name="blob">What the bytes must be; its size counts for nothing.</param>
    /// <param name="bodies">The bytes, one body after the other.</param>
    /// <param name="length">How many bytes come, if known.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="Errors.RegistryException">The bytes have another digest; nothing is stored then.</exception>
    public async Task<long> ReceiveAsync(RepositoryName repository, Descriptor blob, IReadOnlyList<PipeReader> bodies, long? length, CancellationToken cancel)
    {
        var round = services.Blobs.Round;
        var blobs = services.Bucket.Repository(repository).Blobs;
        var key = blobs.IdentityOf(blob.Digest);
        // Where repositories are kept apart, nobody hears of another's upload, nor disputes it.
        var shared = services.Border.IsOn ? $"{key} {repository}" : key;
        // Of few bytes only the writing is shared: see PutAsync.
        var isLarge = length is { } known && !services.Bucket.IsWrittenWhole(known);
        var upload = isLarge ? _shared.Join(shared, () => Begin(blobs, blob, length)) : SharedUploads.Alone(Begin(blobs, blob, length));
        using var sender = new SharedUpload.Sender(blob.Digest.Algorithm);
        try
        {
            foreach (var body in bodies)
                await RequestBody.TakeAsync(body, bytes => upload.AddAsync(sender, bytes, cancel), services.Options.BodyRest, cancel);
            await upload.FinishAsync(sender, cancel);
        }
        finally
        {
            await _shared.LeaveAsync(shared, upload);
        }
        services.Blobs.RecordStored(repository, blob.Digest, sender.Position, round);
        return sender.Position;
    }

    /// <summary>Puts a blob that is in memory and has the digest, joining a request that puts the same.</summary>
    public Task PutAsync(RepositoryBlobs blobs, Descriptor blob, ReadOnlySequence<byte> content) => joined.RunAsync(blobs.IdentityOf(blob.Digest), async () =>
    {
        await blobs.PutVerifiedAsync(blob, content, CancellationToken.None);
        return true;
    });

    private SharedUpload Begin(RepositoryBlobs blobs, Descriptor blob, long? length) => new(blob.Digest, blobs.Write(blob, length), content => PutAsync(blobs, blob, content));
}
