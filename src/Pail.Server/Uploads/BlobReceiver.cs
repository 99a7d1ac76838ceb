using System.Buffers;
using System.IO.Pipelines;
using Pail.Io;
using Pail.Oci;
using Pail.Transfer;

namespace Pail.Server.Uploads;

/// <summary>
/// Takes a blob whose digest is stated before its bytes come. They go straight to the blob's own key: few are gathered and
/// put by one request, many are sent in parts while they come; completed only if they have the digest.
/// </summary>
internal sealed class BlobReceiver(RegistryServices services, JoinedWork joined)
{
    private readonly SharedUploads _shared = new();

    private TransferEngine Engine => services.Registry.Engine;

    /// <summary>Takes the bytes and returns how many they were. When it returns, the blob is stored.</summary>
    /// <param name="repository">Where.</param>
    /// <param name="digest">What the bytes must be.</param>
    /// <param name="bodies">The bytes, one body after the other.</param>
    /// <param name="length">How many bytes come, if known.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="Errors.RegistryException">The bytes have another digest; nothing is stored then.</exception>
    public async Task<long> ReceiveAsync(RepositoryName repository, Digest digest, IReadOnlyList<PipeReader> bodies, long? length, CancellationToken cancel)
    {
        var key = services.Registry.Layout.BlobKey(repository, digest);
        var upload = IsLarge(length) ? _shared.Join(key, () => Begin(key, digest, length)) : SharedUploads.Alone(Begin(key, digest, length));
        using var sender = new SharedUpload.Sender(digest.Algorithm);
        try
        {
            foreach (var body in bodies)
                await RequestBody.TakeAsync(body, bytes => upload.AddAsync(sender, bytes, cancel), services.Options.BodyRest, cancel);
            await upload.FinishAsync(sender, cancel);
        }
        finally
        {
            await _shared.LeaveAsync(key, upload);
        }
        services.Blobs.RecordStored(repository, digest, sender.Position);
        return sender.Position;
    }

    /// <summary>Puts a blob that is in memory, joining whoever is putting the same.</summary>
    public Task PutAsync(string key, Digest digest, ReadOnlySequence<byte> content)
    {
        var headers = services.Registry.Layout.BlobHeaders with { Sha256 = digest.Algorithm == DigestAlgorithm.Sha256 ? digest : null };
        return joined.RunAsync(key, async () =>
        {
            await Engine.PutAsync(services.Registry.Store, key, content, headers, CancellationToken.None);
            return true;
        });
    }

    private SharedUpload Begin(string key, Digest digest, long? length)
    {
        var writer = MultipartWriter.Create(Engine, services.Registry.Store, key, services.Registry.Layout.BlobHeaders, PartPlan.Streamed(services.Registry.Store, length, Engine.Options.MemoryLimit), algorithm: null, NoProgress.Instance);
        writer.Expected = length;
        if (IsLarge(length))
            writer.Begin();
        return new SharedUpload(digest, writer, content => PutAsync(key, digest, content));
    }

    // Of few bytes only the writing is shared: see PutAsync.
    private bool IsLarge(long? length) => length > Engine.Options.SinglePutLimit;
}
