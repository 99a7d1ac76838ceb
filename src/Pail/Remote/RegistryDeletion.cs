using System.Net;
using Pail.Oci;
using Pail.Remote.Http;

namespace Pail.Remote;

/// <summary>Removes tags and manifests of a registry. Source: OCI distribution-spec, "Content Management".</summary>
internal sealed class RegistryDeletion(string host, RepositoryName repository, RegistryClients clients)
{
    // Registries ask for "delete", for "push", or know neither; all know this one.
    private const string AllActions = "*";

    private readonly RegistryClient _client = clients.Of(host, repository, AllActions);
    private readonly RegistryManifests _manifests = new(clients.Of(host, repository, AllActions), clients.Engine);

    /// <summary>Removes a tag, or a manifest with all its tags. One DELETE; one GET more to explain a refusal.</summary>
    /// <exception cref="PailException">It is not there (<see cref="Failure.NotFound"/>), or the registry refuses.</exception>
    public async Task DeleteAsync(Reference reference, CancellationToken cancel)
    {
        // After a try whose answer was lost it is not there any more.
        var tries = 0;
        var refusal = await clients.Engine.Retry.RunAsync(
            async token =>
            {
                var request = new RegistryRequest(HttpMethod.Delete, _client.In($"manifests/{reference}")) { HandlesRefusals = true };
                using var answer = await _client.SendAsync(request, token);
                if (answer.IsSuccess || (answer.Status == HttpStatusCode.NotFound && tries++ > 0))
                    return null;
                var error = await _client.ErrorAsync(answer, token);
                tries++;
                return answer.IsRefused ? error : throw error;
            },
            cancel);
        if (refusal is null)
            return;
        // Older registries remove manifests by digest alone: all tags of it would go.
        throw reference.Tag is not null && await _manifests.FindAsync(reference, cancel) is { } manifest
            ? new PailException(refusal.Failure, $"{refusal.Message} If it removes no single tags: 'pail rm docker://{host}/{repository}@{manifest.Digest}' removes the manifest with all tags that name it.", refusal)
            : refusal;
    }
}
