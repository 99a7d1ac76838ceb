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
    // Never disposed: it holds no handle, as nobody waits on it synchronously.
    private readonly SemaphoreSlim _lock = new(1);
    private IReadOnlyList<Challenge>? _known;

    /// <summary>Returns the challenges; empty if the root is open to all or answers something else.</summary>
    /// <param name="wire">Makes the request.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">There was no answer.</exception>
    public async Task<IReadOnlyList<Challenge>> GetAsync(RegistryWire wire, CancellationToken cancel)
    {
        await _lock.WaitAsync(cancel);
        try
        {
            return _known ??= await AskAsync(wire, cancel);
        }
        finally
        {
            _lock.Release();
        }
    }

    private static async Task<IReadOnlyList<Challenge>> AskAsync(RegistryWire wire, CancellationToken cancel)
    {
        var root = wire.Origins.Registry;
        using var answer = await wire.SendAsync(new RegistryRequest(HttpMethod.Get, root), root, null, cancel);
        return answer.Status == HttpStatusCode.Unauthorized ? Challenge.Parse(answer.Headers) : [];
    }
}
