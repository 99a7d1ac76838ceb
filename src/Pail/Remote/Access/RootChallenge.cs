using System.Net;
using Pail.Remote.Http;

namespace Pail.Remote.Access;

/// <summary>
/// The challenges of a registry's root, <c>/v2/</c>. Some registries (Nexus, Artifactory, GitLab) hide a private repository behind
/// 400, 403 or 404 and challenge only there. Costs one request a registry and run, made when it is first needed.
/// Source: OCI distribution-spec, "Determining Support".
/// </summary>
internal sealed class RootChallenge
{
    private readonly Lock _lock = new();
    private Task<IReadOnlyList<Challenge>>? _asked;

    /// <summary>Returns the challenges; empty if the root is open to all or answers something else.</summary>
    /// <param name="wire">Makes the request.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">There was no answer.</exception>
    public Task<IReadOnlyList<Challenge>> GetAsync(RegistryWire wire, CancellationToken cancel)
    {
        lock (_lock)
            return _asked is null or { IsFaulted: true } or { IsCanceled: true } ? _asked = AskAsync(wire, cancel) : _asked;
    }

    private static async Task<IReadOnlyList<Challenge>> AskAsync(RegistryWire wire, CancellationToken cancel)
    {
        var root = wire.Origins.Registry;
        using var answer = await wire.SendAsync(new RegistryRequest(HttpMethod.Get, root), root, null, cancel);
        return answer.Status == HttpStatusCode.Unauthorized ? Challenge.Parse(answer.Headers) : [];
    }
}
