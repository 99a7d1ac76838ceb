using System.Net;
using System.Text.Json;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>The manifests of a repository, read. Source: OCI distribution-spec, "Pulling manifests".</summary>
internal sealed class RegistryManifests(RegistryClient client, TransferEngine engine)
{
    /// <summary>The manifest that a tag or digest names; null if there is none.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is not what the registry says it is, or none Pail knows.</exception>
    public Task<Manifest?> FindAsync(Reference reference, CancellationToken cancel) => AskAsync(reference, null, [HttpStatusCode.NotFound], cancel);

    /// <summary>The manifest that a tag or digest names.</summary>
    /// <param name="reference">Which.</param>
    /// <param name="expected">What it must be; null if that is not known.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="PailException">There is none (<see cref="Failure.NotFound"/>), or what came is not what it should be.</exception>
    public async Task<Manifest> GetAsync(Reference reference, Descriptor? expected, CancellationToken cancel) => (await AskAsync(reference, expected, [], cancel))!;

    private Task<Manifest?> AskAsync(Reference reference, Descriptor? expected, HttpStatusCode[] statuses, CancellationToken cancel) => engine.Retry.RunAsync(
        async token =>
        {
            using var answer = await client.SendAsync(new RegistryRequest(HttpMethod.Get, client.In($"manifests/{reference}"), statuses) { Accept = MediaTypes.Manifests }, token);
            return answer.IsSuccess ? Verified(answer, await answer.ReadAsync(Manifest.MaxSize, token), reference, expected) : null;
        },
        cancel);

    private Manifest Verified(RegistryAnswer answer, byte[] bytes, Reference reference, Descriptor? expected)
    {
        if (expected is not null)
            return Manifest.Parse(bytes, expected);
        // A digest that is none was not stated.
        var wanted = reference.Digest ?? (Digest.TryParse(answer["Docker-Content-Digest"], out var stated) ? stated : null as Digest?);
        if (wanted is { } known && Digest.Of(bytes, known.Algorithm) != known)
            throw Bad(reference, $"sent bytes with the digest {Digest.Of(bytes, known.Algorithm)} for {known}");
        return Manifest.Parse(bytes, StatedType(answer, bytes), wanted?.Algorithm ?? DigestAlgorithm.Sha256);
    }

    // What the bytes say of themselves goes first, for they are what the digest proves: there are registries that send any manifest as
    // Docker's, and file servers in front of some that send text/plain.
    private static string? StatedType(RegistryAnswer answer, byte[] bytes)
    {
        if (answer.Content.ContentType?.MediaType is not { } type || !type.StartsWith("application/vnd.", StringComparison.Ordinal))
            return null;
        try
        {
            using var document = JsonDocument.Parse(bytes);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("mediaType", out var own) && own is { ValueKind: JsonValueKind.String } && MediaTypes.IsManifest(own.GetString()) ? null : type;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Parsed once more, and refused.
            return type;
        }
    }

    private PailException Bad(Reference reference, string what) => new(Failure.BadContent, $"{client.Host}: asked for the manifest {reference}, the registry {what}.");
}
