using System.Text;
using System.Text.Json.Serialization;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Sealing;
using Pail.Stores;

namespace Pail.Server.Uploads;

/// <summary>An upload whose parts the client sends to the bucket itself. It travels in the path, sealed.</summary>
/// <param name="Id">Names its key.</param>
/// <param name="Repository">Where the blob shall be.</param>
/// <param name="Blob">What the client says it is.</param>
/// <param name="UploadId">The store's id of the upload.</param>
/// <param name="Started">When it began.</param>
internal sealed record DirectSession(Guid Id, RepositoryName Repository, Descriptor Blob, string UploadId, DateTimeOffset Started)
{
    private const byte Version = 2;

    /// <summary>The upload. Its key is never a blob's: what is there has not been verified.</summary>
    public UploadId Upload => new(StagingKey.OfDirect(Id), UploadId);

    public string Seal(PathSeal seal)
    {
        var writer = new SealWriter(stackalloc byte[PathSeal.MaxSize]);
        writer.Add(Version);
        writer.Add(Id.ToByteArray());
        writer.AddNumber((ulong)Started.ToUnixTimeSeconds());
        writer.AddNumber((ulong)Blob.Size);
        AddDigest(ref writer, Blob.Digest);
        writer.Add(Blob.DiffId is null ? (byte)0 : (byte)1);
        if (Blob.DiffId is { } diffId)
            AddDigest(ref writer, diffId);
        writer.Add(Encoding.UTF8.GetBytes(UploadId));
        return seal.Seal(Binding(Repository), writer.Written);
    }

    public static DirectSession? Open(PathSeal seal, string text, RepositoryName repository)
    {
        if (seal.Open(Binding(repository), text) is not { } plain)
            return null;
        var reader = new SealReader(plain);
        if (reader.Take(1)[0] != Version)
            return null;
        var (id, started, size) = (new Guid(reader.Take(16)), DateTimeOffset.FromUnixTimeSeconds((long)reader.TakeNumber()), (long)reader.TakeNumber());
        var digest = TakeDigest(ref reader);
        Digest? diffId = reader.Take(1)[0] == 0 ? null : TakeDigest(ref reader);
        return new(id, repository, new Descriptor(MediaTypes.OctetStream, digest, size) { DiffId = diffId }, Encoding.UTF8.GetString(reader.TakeRest()), started);
    }

    private static void AddDigest(ref SealWriter writer, Digest digest)
    {
        writer.Add((byte)digest.Algorithm);
        writer.Add(Convert.FromHexString(digest.Hex));
    }

    private static Digest TakeDigest(ref SealReader reader)
    {
        var algorithm = (DigestAlgorithm)reader.Take(1)[0];
        return Digest.FromHash(algorithm, reader.Take(algorithm == DigestAlgorithm.Sha512 ? 64 : 32));
    }

    private static string Binding(RepositoryName repository) => $"direct {repository}";
}

/// <summary>What the client wants to upload.</summary>
internal sealed record DirectWish(string? Digest, long Size, string? DiffId = null);

/// <summary>How it goes on: <c>present</c>, <c>send</c> or <c>parts</c>.</summary>
internal sealed record DirectOffer(string State)
{
    /// <summary>The path of the session, for <c>parts</c>.</summary>
    public string? Session { get; init; }
}

/// <summary>Addresses of parts, good for a time.</summary>
internal sealed record DirectAddresses(IReadOnlyList<string> Urls, int Seconds);

/// <summary>The parts a client has sent, in order.</summary>
internal sealed record DirectParts(IReadOnlyList<DirectPart>? Parts);

/// <summary>One part.</summary>
internal sealed record DirectPart(string? Etag, long Size);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DirectWish))]
[JsonSerializable(typeof(DirectOffer))]
[JsonSerializable(typeof(DirectAddresses))]
[JsonSerializable(typeof(DirectParts))]
internal sealed partial class DirectJson : JsonSerializerContext;
