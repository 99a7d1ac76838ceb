using System.Runtime.CompilerServices;
using Pail.Oci;

namespace Pail.Remote;

/// <summary>The tags of a repository of a registry. Source: OCI distribution-spec, "Listing tags".</summary>
internal static class RegistryTags
{
    private const int MaxTags = 1_000_000;

    // Pages in a row that may bring nothing new: registries filter what they have read.
    private const int MaxIdle = 16;

    /// <summary>
    /// Lists them, page by page, in the registry's order: all of them, or an exception. Entries that are no tags are left out, and said so to
    /// <see cref="RegistryOptions.Warn"/> at the end. Costs a request for every 1,000 tags, or as few as the registry gives at once; one more
    /// where a full page names no next one, which may be the end of the list or of what the registry is willing to say.
    /// </summary>
    /// <exception cref="PailException">There is no such repository, or the list makes no sense.</exception>
    public static async IAsyncEnumerable<string> ListAsync(string host, RepositoryName repository, RegistryClients clients, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var pages = new TagPages(clients.Of(host, repository, "pull"), clients.Engine.Retry);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var strange = new List<string>();
        var idle = 0;
        for (var page = await pages.FirstAsync(cancel); ;)
        {
            var before = seen.Count;
            foreach (var entry in page.Entries.Where(seen.Add))
            {
                if (Reference.IsTag(entry))
                    yield return entry;
                else
                    strange.Add(entry);
            }
            var isNew = seen.Count > before;
            idle = isNew ? 0 : idle + 1;
            if ((page.Next ?? (isNew ? pages.Beyond(page) : null)) is not { } next)
                break;
            if (idle > MaxIdle || seen.Count > MaxTags)
                throw pages.Endless();
            page = await pages.GetAsync(next, cancel);
        }
        if (strange.Count > 0)
            clients.Options.Warn?.Invoke($"{host}/{repository}: the registry lists {strange.Count} {(strange.Count == 1 ? "entry that is no tag and was" : "entries that are no tags and were")} left out, such as '{SafeText.OneLine(strange[0], 80)}'.");
    }
}
