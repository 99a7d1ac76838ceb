namespace Pail.Remote.Credentials;

/// <summary>
/// The keys of credentials in config.json and auth.json. Docker matches the host alone, whatever scheme and path stand around it:
/// <c>HOST</c>, <c>HOST/</c>, <c>HOST/v1/</c>, <c>https://HOST/v2/</c>. Podman's keys without a scheme may name a namespace:
/// <c>HOST/team</c>. Source: docker/cli, <c>ConvertToHostname</c>; containers-auth.json(5).
/// </summary>
internal static class CredentialKeys
{
    /// <summary>What a host is called by helpers and in files that Pail writes.</summary>
    public static string Of(string host) => host == DockerHub.Name ? DockerHub.ConfigKey : host;

    /// <summary>Returns the keys that are for a host as a whole: the usual one first, then other spellings in the file's order.</summary>
    public static IEnumerable<string> ForHost(IEnumerable<string> keys, string host) =>
        keys.Where(key => Namespace(key).Length == 0 && IsHost(key, host)).OrderBy(key => key == Of(host) ? 0 : key == host ? 1 : 2);

    /// <summary>Returns the keys that are for a namespace of a host that holds the repository, or for the repository: longest first.</summary>
    public static IEnumerable<string> ForRepository(IEnumerable<string> keys, string host, string repository) =>
        keys.Where(key => Namespace(key) is { Length: > 0 } name && (repository == name || repository.StartsWith(name + "/", StringComparison.Ordinal)) && IsHost(key, host))
            .OrderByDescending(key => Namespace(key).Length);

    // What follows the host, but the version of an API.
    private static string Namespace(string key)
    {
        if (key.Contains("://", StringComparison.Ordinal) || key.IndexOf('/', StringComparison.Ordinal) is not (> 0 and var slash))
            return "";
        var path = key[slash..].Trim('/');
        return path is "v1" or "v2" ? "" : path;
    }

    private static bool IsHost(string key, string host)
    {
        var (scheme, rest) = key.IndexOf("://", StringComparison.Ordinal) is >= 0 and var colon ? (key[..colon].ToLowerInvariant(), key[(colon + 3)..]) : ("", key);
        if (scheme is not ("" or "http" or "https"))
            return false;
        var name = rest.Split('/')[0];
        if (host == DockerHub.Name)
            return DockerHub.Names.Contains(name, StringComparer.OrdinalIgnoreCase);
        // An address with its scheme's own port is the host's without.
        var own = scheme switch { "https" => ":443", "http" => ":80", _ => null };
        return name.Equals(host, StringComparison.OrdinalIgnoreCase)
            || (own is not null && name.EndsWith(own, StringComparison.Ordinal) && name[..^own.Length].Equals(host, StringComparison.OrdinalIgnoreCase));
    }
}
