using System.Globalization;

namespace Pail.Stores;

/// <summary>
/// Sees to it that lists advance. Names at or before the last one are dropped: some stores ignore start-after, or begin with
/// the name they were to begin after. A list that would never end, or that ends without saying so, is an error that says
/// what the store does: a list is whole or an error, never short.
/// </summary>
internal sealed class AdvancingStore(IObjectStore inner) : StoreLayer(inner)
{
    // A page may be empty and not the last, as where a store skips what it has marked as deleted; not for ever.
    private const int MostEmptyPages = 1000;

    private const char Separator = '\n';

    /// <inheritdoc/>
    public override async Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default)
    {
        var place = query.Continuation is { } text ? Place.Read(text) : new Place(query.StartAfter ?? "", "", 0, null);
        var page = await Inner.ListAsync(query with { Continuation = place.Token }, cancel);
        var last = Latest(page);
        List<ObjectEntry> objects = [.. page.Objects.Where(item => IsAfter(item.Key, place.Floor))];
        // What is folded may begin before the place where the list begins.
        var first = place.Token is null;
        List<string> prefixes = [.. page.Prefixes.Where(prefix => IsAfter(prefix, place.Floor) || (first && place.Floor.StartsWith(prefix, StringComparison.Ordinal)))];
        if (page.Continuation is not { } token)
            return new(objects, prefixes, null);
        if (token.Length == 0)
            throw Stuck(query.Prefix, "says that the list goes on, and not how to ask for the rest of it (no continuation token)", query.Delimiter);
        if (token == place.Token)
            throw Stuck(query.Prefix, "gives the same continuation token again", query.Delimiter);
        if (last is not null && place.Seen.Length > 0 && !IsAfter(last, place.Seen))
            throw Stuck(query.Prefix, "gives the same names again", query.Delimiter);
        var empty = last is null ? place.EmptyPages + 1 : 0;
        if (empty > MostEmptyPages)
            throw Stuck(query.Prefix, $"gives {MostEmptyPages} empty pages, one after the other", query.Delimiter);
        var seen = last ?? place.Seen;
        var floor = last is not null && IsAfter(last, place.Floor) ? last : place.Floor;
        return new(objects, prefixes, new Place(floor, seen, empty, token).ToString());
    }

    /// <inheritdoc/>
    public override async Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default)
    {
        var page = await Inner.ListUploadsAsync(prefix, after, cancel);
        if (page.Next is not { } next)
            return page;
        if (next.Key.Length == 0)
            throw Stuck(prefix, "says that the list of unfinished uploads goes on, and not how to ask for the rest of it (no markers)", null);
        if (after is { } last && (next == last || KeyOrder.Comparer.Compare(next.Key, last.Key) < 0))
            throw Stuck(prefix, "gives the same unfinished uploads again", null);
        return page;
    }

    private StoreException Stuck(string prefix, string what, string? delimiter) => new(
        StoreError.Rejected,
        $"{Name}: the store {what}, for keys that begin with '{Oci.SafeText.OneLine(prefix)}'{(delimiter is null or "/" ? "" : $" and the delimiter '{delimiter}'")}. Its lists can't be read whole.");

    private static bool IsAfter(string name, string floor) => floor.Length == 0 || KeyOrder.Comparer.Compare(name, floor) > 0;

    private static string? Latest(ListPage page)
    {
        var (item, prefix) = (page.Objects.Count > 0 ? page.Objects[^1].Key : null, page.Prefixes.Count > 0 ? page.Prefixes[^1] : null);
        return item is null || (prefix is not null && KeyOrder.Comparer.Compare(prefix, item) > 0) ? prefix : item;
    }

    // Where a list has got to: it travels in the token of the next page.
    private readonly record struct Place(string Floor, string Seen, int EmptyPages, string? Token)
    {
        public static Place Read(string text) =>
            text.Split(Separator, 4) is [var empty, var floor, var seen, var token] && int.TryParse(empty, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                ? new(Uri.UnescapeDataString(floor), Uri.UnescapeDataString(seen), count, token)
                : throw new StoreException(StoreError.Rejected, $"'{Oci.SafeText.OneLine(text)}' is not a token of a page before.");

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"{EmptyPages}{Separator}{Uri.EscapeDataString(Floor)}{Separator}{Uri.EscapeDataString(Seen)}{Separator}{Token}");
    }
}
