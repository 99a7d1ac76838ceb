using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

public sealed partial class Bucket
{
    /// <summary>
    /// Summarises at most so many repositories after one, by what the listing of their tags shows. One LIST for each 1,000 keys passed and for each repository
    /// with more tags than that, and no more than <paramref name="lists"/>; in a pool one for each 1,000 tags of the bucket.
    /// </summary>
    /// <param name="after">After which one, in the order of the layout's keys; null for the first.</param>
    /// <param name="limit">How many.</param>
    /// <param name="lists">The most LIST requests.</param>
    /// <param name="shows">Which ones; the others are passed over.</param>
    /// <param name="cancel">Interrupts it.</param>
    internal async Task<SummaryPage> SummariseAsync(RepositoryName? after, int limit, int lists, Func<RepositoryName, bool> shows, CancellationToken cancel = default)
    {
        if (!Layout.NamesSortAsKeys)
            return await SummariseAllAsync(after, limit, lists, shows, cancel);
        var tally = new SummaryTally(shows);
        var query = Layout.RepositoryQuery with { StartAfter = after is { } last ? Layout.RepositoryStart(last) : null };
        while (true)
        {
            var page = await Store.ListAsync(query, cancel);
            var entries = page.Objects.ToDictionary(entry => entry.Key, StringComparer.Ordinal);
            var names = new HashSet<RepositoryName>();
            foreach (var key in NameList.NamesOf(page))
                if (Layout.ReadRepository(key) is { } name)
                {
                    names.Add(name);
                    tally.Add(name, entries.GetValueOrDefault(key));
                }
            lists--;
            if (tally.Count > limit || page.Continuation is null)
                return tally.Page(limit, isCut: false);
            if (lists == 0)
                return tally.Page(limit, isCut: true);
            // A whole page of one repository's tags: the rest of them is passed over.
            var only = names.Count == 1 ? names.First() : (RepositoryName?)null;
            if (only is { } large)
                tally.Leave(large);
            query = only is { } passed ? query with { StartAfter = Layout.RepositoryStart(passed), Continuation = null } : query with { Continuation = page.Continuation };
        }
    }

    private async Task<SummaryPage> SummariseAllAsync(RepositoryName? after, int limit, int lists, Func<RepositoryName, bool> shows, CancellationToken cancel)
    {
        var tally = new SummaryTally(name => shows(name) && (after is null || string.CompareOrdinal(name.ToString(), after.ToString()) > 0));
        var isCut = false;
        await foreach (var page in Store.ListPagesAsync(Layout.TagsQuery(""), cancel))
        {
            foreach (var entry in page.Objects)
                if (Layout.Read(entry.Key) is { Kind: KeyKind.Tag, Repository: { } name })
                    tally.Add(name, entry);
            isCut = --lists == 0 && page.Continuation is not null;
            if (lists == 0)
                break;
        }
        return tally.Sorted(limit, isCut);
    }
}

/// <summary>A repository, by what a listing of tags shows of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Tags">How many tags were seen.</param>
/// <param name="HasMore">True if it may have more.</param>
/// <param name="Pushed">When the last of those was pushed; null if none was seen.</param>
internal sealed record RepositorySummary(RepositoryName Name, int Tags, bool HasMore, DateTimeOffset? Pushed);

/// <summary>A page of summaries.</summary>
/// <param name="Repositories">The repositories, in order.</param>
/// <param name="Next">After which name the next page begins; null if there is none.</param>
/// <param name="IsCut">True if the listing ended for the number of its requests.</param>
internal sealed record SummaryPage(IReadOnlyList<RepositorySummary> Repositories, RepositoryName? Next, bool IsCut);

/// <summary>Counts what a listing shows.</summary>
internal sealed class SummaryTally(Func<RepositoryName, bool> shows)
{
    private readonly List<RepositoryName> _names = [];
    private readonly Dictionary<RepositoryName, RepositorySummary> _found = [];
    private RepositoryName? _last;

    public int Count => _names.Count;

    public void Add(RepositoryName name, ObjectEntry? tag)
    {
        _last = name;
        if (!_found.TryGetValue(name, out var seen))
        {
            if (!shows(name))
                return;
            _names.Add(name);
            seen = new(name, 0, false, null);
        }
        _found[name] = tag is null ? seen : seen with { Tags = seen.Tags + 1, Pushed = seen.Pushed > tag.Modified ? seen.Pushed : tag.Modified };
    }

    /// <summary>What is left of a repository is not looked at.</summary>
    public void Leave(RepositoryName name)
    {
        if (_found.TryGetValue(name, out var seen))
            _found[name] = seen with { HasMore = true };
    }

    public SummaryPage Page(int limit, bool isCut)
    {
        if (isCut && _last is { } last)
            Leave(last);
        var shown = _names.Take(limit).Select(name => _found[name]).ToList();
        return new(shown, _names.Count > limit ? shown[^1].Name : isCut ? _last : null, isCut && _names.Count <= limit);
    }

    public SummaryPage Sorted(int limit, bool isCut)
    {
        var sorted = _found.Values.OrderBy(item => item.Name.ToString(), StringComparer.Ordinal).ToList();
        return new(sorted.Take(limit).ToList(), sorted.Count > limit ? sorted[limit - 1].Name : null, isCut);
    }
}
