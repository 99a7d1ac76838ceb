using System.Globalization;
using Pail.Oci;

namespace Pail.Buckets;

/// <summary>
/// Names what is kept of tags and manifests that were removed, until nobody may want them back.
/// <code>
/// pail/removed/REPO/REFERENCE/TIME    milliseconds since 1970 in 16 digits
/// </code>
/// </summary>
internal static class RemovedKey
{
    public const string Prefix = "pail/removed/";

    private const int TimeLength = 16;

    /// <summary>The key for a reference that is removed now.</summary>
    public static string Of(RepositoryName repository, Reference reference, DateTimeOffset time) =>
        string.Create(CultureInfo.InvariantCulture, $"{PrefixOf(repository)}{reference}/{time.ToUnixTimeMilliseconds():d16}");

    /// <summary>What the keys of a repository begin with; those of repositories below it begin so, too.</summary>
    public static string PrefixOf(RepositoryName repository) => $"{Prefix}{repository}/";

    /// <summary>When it was removed.</summary>
    public static DateTimeOffset TimeOf(string key) => DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(key.AsSpan(key.Length - TimeLength), NumberStyles.None, CultureInfo.InvariantCulture));

    /// <summary>Reads a key; null if it is none that <see cref="Of"/> makes.</summary>
    public static (RepositoryName Repository, Reference Reference)? Read(string key)
    {
        if (!key.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var time = key.LastIndexOf('/');
        var name = time > 0 ? key.LastIndexOf('/', time - 1) : -1;
        return name > Prefix.Length && key.Length - time - 1 == TimeLength && long.TryParse(key.AsSpan(time + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && RepositoryName.TryParse(key[Prefix.Length..name], out var repository) && Reference.TryParse(key[(name + 1)..time], out var reference)
                ? (repository, reference)
                : null;
    }
}
