using Pail.Oci;
using Pail.Remote.Credentials;

namespace Pail.Remote.Access;

/// <summary>The login for a repository of a registry, looked for once, when it is first needed. Used by one caller at a time.</summary>
/// <param name="find">Looks for it; what can't be read, it passes to the function and goes on.</param>
/// <param name="warn">Hears of what can't be read, once it matters.</param>
internal sealed class KeptLogin(Func<Action<PailException>, CancellationToken, Task<Credential?>> find, Action<string>? warn = null)
{
    private Credential? _credential;
    private bool _found;
    private bool _told;

    /// <summary>True if there is a login, and it has been found.</summary>
    public bool Exists => _credential is not null;

    /// <summary>What kept a login from being found, for messages; null if nothing did.</summary>
    public string? Trouble { get; private set; }

    /// <summary>The login of docker's and podman's files and helpers. Those that can't be read are passed over: a public image needs none.</summary>
    public static KeptLogin Of(RegistryOptions options, string host, string? repository) =>
        new((trouble, cancel) => new CredentialStore(options).FindAsync(host, repository, cancel, trouble), options.Warn);

    /// <summary>A login given by the caller.</summary>
    public static KeptLogin Of(Credential credential) => new((_, _) => Task.FromResult<Credential?>(credential));

    /// <summary>Returns the login that the registry asks for; null if there is none. What can't be read is told, for it matters now.</summary>
    public async Task<Credential?> RequireAsync(CancellationToken cancel)
    {
        var found = await FindAsync(cancel);
        if (found is null && Trouble is not null && !_told)
        {
            _told = true;
            warn?.Invoke(Trouble);
        }
        return found;
    }

    /// <summary>Returns the login; null if there is none.</summary>
    public async Task<Credential?> FindAsync(CancellationToken cancel)
    {
        if (!_found)
        {
            _credential = await find(error => Trouble ??= $"No login could be looked for in one place: {SafeText.OneLine(error.Message, 400)}", cancel);
            _found = true;
        }
        return _credential;
    }
}
