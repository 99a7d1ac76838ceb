using Pail.Remote.Credentials;
using Pail.Stores;

namespace Pail.Remote;

/// <summary>Finds out whether a registry lets somebody in.</summary>
internal static class RegistryLogin
{
    /// <summary>Tries a user name and password.</summary>
    /// <param name="host">The registry's host, with its port if it has one.</param>
    /// <param name="credential">The user name and password.</param>
    /// <param name="options">How the registry is reached.</param>
    /// <param name="retry">How failures are tried again.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <returns>What should be kept: an identity token instead of the password, where the registry gave one.</returns>
    /// <exception cref="PailException">It lets them not in (<see cref="Failure.Denied"/>), or is no registry.</exception>
    public static async Task<Credential> CheckAsync(string host, Credential credential, RegistryOptions options, Retry retry, CancellationToken cancel)
    {
        using var client = new RegistryClient(host, null, "", options, retry.Time, credential);
        (await retry.RunAsync(token => client.SendAsync(HttpMethod.Get, client.At(""), token), cancel)).Dispose();
        return client.RefreshToken is { } refresh ? credential with { Password = null, IdentityToken = refresh } : credential;
    }
}
