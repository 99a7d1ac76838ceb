using System.Collections.Concurrent;
using Pail.Stores;
using Pail.Stores.Folder;

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

    /// <summary>Opens the store of a bucket. Makes no request.</summary>
    /// <param name="root">The bucket.</param>
    /// <param name="stores">Used in place of registered providers of the same schemes.</param>
    /// <param name="meter">Counts the requests of the store.</param>
    internal static IObjectStore Open(BucketRoot root, IReadOnlyList<IStoreProvider> stores, RequestMeter meter) => root switch
    {
        BucketRoot.Folder folder => new FolderStore(folder.Directory, meter),
        BucketRoot.Url url => Of(url, stores).Open(url, meter),
        _ => throw new InvalidOperationException($"{root} is of a kind that does not exist."),
    };

    /// <summary>Returns the provider that opens a bucket.</summary>
    internal static IStoreProvider Of(BucketRoot.Url root, IReadOnlyList<IStoreProvider> stores) => stores.FirstOrDefault(provider => provider.Scheme == root.Scheme)
        ?? Find(root.Scheme)
        ?? throw new InvalidOperationException($"no store is registered for {root.Scheme}://.");

    /// <summary>The provider of a scheme; null if none is registered.</summary>
    internal static IStoreProvider? Find(string scheme) => Registered.GetValueOrDefault(scheme);
}
