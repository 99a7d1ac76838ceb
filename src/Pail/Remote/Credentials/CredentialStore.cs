using System.Runtime.InteropServices;

namespace Pail.Remote.Credentials;

/// <summary>
/// Where credentials are kept: in the file REGISTRY_AUTH_FILE names and no other; else in the variable DOCKER_AUTH_CONFIG, else in
/// Docker's config.json, else in Podman's auth.json. A file may leave a host to a helper. <c>pail login</c> writes to the first of these.
/// </summary>
internal sealed partial class CredentialStore(RegistryOptions options)
{
    /// <summary>The file that logins are written to.</summary>
    public string Target => Paths().First();

    /// <summary>What is kept for a repository of a host; null for nothing.</summary>
    /// <param name="host">The registry's host, with its port if it has one.</param>
    /// <param name="repository">The repository; null for the whole registry.</param>
    /// <param name="cancel">Ends a helper that is asked.</param>
    /// <param name="trouble">Hears of a file that can't be read and of a helper that fails, which are then passed over; null to throw.</param>
    public async Task<Credential?> FindAsync(string host, string? repository, CancellationToken cancel, Action<PailException>? trouble = null)
    {
        foreach (var read in Files())
        {
            try
            {
                if (await FindAsync(read, host, repository, trouble, cancel) is { } found)
                    return found;
            }
            catch (PailException e) when (trouble is not null)
            {
                trouble(e);
            }
        }
        return null;
    }

    /// <summary>Keeps a credential. Returns where, for people.</summary>
    public async Task<string> KeepAsync(string host, Credential credential, CancellationToken cancel)
    {
        var file = CredentialFile.Read(Target);
        if (file.HelperFor(host) is { } helper)
        {
            await new CredentialHelper(helper).StoreAsync(CredentialKeys.Of(host), credential, cancel);
            file.SetKeptByHelper(host);
            file.Save();
            return $"docker-credential-{helper}";
        }
        file.Set(host, credential);
        file.Save();
        return file.Path;
    }

    /// <summary>Forgets what is kept for a host, in every place. False if there was nothing.</summary>
    public async Task<bool> ForgetAsync(string host, CancellationToken cancel)
    {
        var any = false;
        foreach (var path in Paths())
        {
            var file = CredentialFile.Read(path);
            if (file.HelperFor(host) is { } helper)
                any |= await new CredentialHelper(helper).EraseAsync(CredentialKeys.Of(host), cancel);
            if (file.Remove(host))
            {
                file.Save();
                any = true;
            }
        }
        return any;
    }

    private static async Task<Credential?> FindAsync(Func<CredentialFile> read, string host, string? repository, Action<PailException>? trouble, CancellationToken cancel)
    {
        var file = read();
        try
        {
            if (file.HelperFor(host) is { } helper && await new CredentialHelper(helper).GetAsync(CredentialKeys.Of(host), cancel) is { } kept)
                return kept;
        }
        catch (PailException e) when (trouble is not null)
        {
            trouble(e);
        }
        return file.Find(host, repository);
    }

    // A variable of docker's holds what its file would, as CI systems set it.
    private IEnumerable<Func<CredentialFile>> Files() =>
        [
            .. options["REGISTRY_AUTH_FILE"] is null && options["DOCKER_AUTH_CONFIG"] is { } text ? new[] { () => CredentialFile.Parse("DOCKER_AUTH_CONFIG", text) } : [],
            .. Paths().Select(path => (Func<CredentialFile>)(() => CredentialFile.Read(path))),
        ];

    // Source: docker's "config.json"; containers-auth.json(5).
    private IEnumerable<string> Paths() => options["REGISTRY_AUTH_FILE"] is { } only
        ? [only]
        :
        [
            Path.Combine(options["DOCKER_CONFIG"] ?? Path.Combine(options.Home, ".docker"), "config.json"),
            .. options["XDG_RUNTIME_DIR"] is { } runtime ? [Path.Combine(runtime, "containers", "auth.json")]
                : OperatingSystem.IsLinux() ? new[] { Path.Combine(options.RunFolder, "containers", $"{GetUserId()}", "auth.json") } : [],
            Path.Combine(options["XDG_CONFIG_HOME"] ?? Path.Combine(options.Home, ".config"), "containers", "auth.json"),
        ];

    [LibraryImport("libc", EntryPoint = "getuid")]
    private static partial uint GetUserId();
}
