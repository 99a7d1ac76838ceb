using System.Collections.Concurrent;

namespace Pail.Places;

/// <summary>
/// The kinds of stores that addresses can name, besides folders. A project with a store registers it before the first address
/// is read, best by a module initializer of the program. Used by several threads at once.
/// </summary>
public static class StoreProviders
{
    private static readonly ConcurrentDictionary<string, IStoreProvider> Registered = new();

    /// <summary>The schemes registered so far, in the order of their characters.</summary>
    public static IReadOnlyList<string> Schemes => [.. Registered.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Registers a kind of store for the whole process. A later one replaces an earlier one of the same scheme.</summary>
    /// <exception cref="ArgumentException">The scheme is not lower-case letters and digits, or is one of Pail's own.</exception>
    public static void Register(IStoreProvider provider)
    {
        var scheme = provider.Scheme;
        if (scheme is "" or "docker" or "file" or "oci" or "dir" || scheme.Any(character => !char.IsAsciiLetterLower(character) && !char.IsAsciiDigit(character)))
            throw new ArgumentException($"'{scheme}' can't be the scheme of a store: lower-case letters and digits are expected, and none of docker, file, oci, dir.", nameof(provider));
        Registered[scheme] = provider;
    }

    /// <summary>The provider of a scheme; null if none is registered.</summary>
    internal static IStoreProvider? Find(string scheme) => Registered.GetValueOrDefault(scheme);
}
