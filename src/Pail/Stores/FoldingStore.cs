namespace Pail.Stores;

/// <summary>
/// Folds keys itself where the store knows no delimiter but <c>/</c>: its first refusal of another one is remembered, and from then on
/// everything under the prefix is listed. One LIST for each 1,000 keys, those that are folded away passed over.
/// </summary>
/// <param name="inner">The store, whose lists advance.</param>
internal sealed class FoldingStore(IObjectStore inner) : StoreLayer(inner)
{
    // Sorts after all that can follow a delimiter.
    private const string Last = "\U0010FFFF";

    // Set by the first refusal: what a store can't do it isn't asked for again.
    private volatile bool _folds;

    /// <inheritdoc/>
    public override async Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default)
    {
        if (query.Delimiter is not { Length: > 0 } delimiter || delimiter == "/")
            return await Inner.ListAsync(query, cancel);
        var place = Place.Read(query.Continuation);
        if (!_folds && place.Folded is null)
        {
            try
            {
                var page = await Inner.ListAsync(query with { Continuation = place.Token }, cancel);
                return page with { Continuation = page.Continuation is { } next ? new Place(null, EndOf(page) ?? place.End, next).ToString() : null };
            }
            catch (StoreException e) when (e.Error is StoreError.Unsupported or StoreError.Rejected)
            {
                // Refused, or answered with a list that does not advance. If it can't be listed without either, that is the error.
                var folded = await FoldAsync(query, place.End ?? query.StartAfter, cancel);
                _folds = true;
                return folded;
            }
        }
        return await FoldAsync(query, place.Folded ?? place.End ?? query.StartAfter, cancel);
    }

    private async Task<ListPage> FoldAsync(ListQuery query, string? after, CancellationToken cancel)
    {
        var page = await Inner.ListAsync(new ListQuery(query.Prefix, StartAfter: after, Limit: query.Limit), cancel);
        List<ObjectEntry> objects = [];
        List<string> prefixes = [];
        foreach (var entry in page.Objects)
        {
            var at = entry.Key.IndexOf(query.Delimiter!, query.Prefix.Length, StringComparison.Ordinal);
            if (at < 0)
                objects.Add(entry);
            else if (entry.Key[..(at + query.Delimiter!.Length)] is var prefix && (prefixes.Count == 0 || prefixes[^1] != prefix))
                prefixes.Add(prefix);
        }
        var folded = new ListPage(objects, prefixes, null);
        return folded with { Continuation = page.Continuation is null ? null : new Place(EndOf(folded) ?? throw Empty(query), null, null).ToString() };
    }

    private StoreException Empty(ListQuery query) => new(
        StoreError.Rejected, $"{Name}: the store gives an empty page of keys that begin with '{Oci.SafeText.OneLine(query.Prefix)}' and says that the list goes on. Its lists can't be read whole.");

    // After what a page holds: for what is folded, after all that is in it.
    private static string? EndOf(ListPage page)
    {
        var (key, prefix) = (page.Objects.Count > 0 ? page.Objects[^1].Key : null, page.Prefixes.Count > 0 ? page.Prefixes[^1] + Last : null);
        return key is null || (prefix is not null && KeyOrder.Comparer.Compare(prefix, key) > 0) ? prefix : key;
    }

    // Where a list has got to: after which key it goes on if it is folded here, else the store's token and where it ends.
    private readonly record struct Place(string? Folded, string? End, string? Token)
    {
        private const char Separator = '\t';

        public static Place Read(string? text) => text?.Split(Separator, 3) switch
        {
            null => default,
            ["f", var after] => new(Uri.UnescapeDataString(after), null, null),
            ["s", var end, var token] => new(null, end.Length > 0 ? Uri.UnescapeDataString(end) : null, token),
            _ => throw new StoreException(StoreError.Rejected, $"'{Oci.SafeText.OneLine(text)}' is not a token of a page before."),
        };

        public override string ToString() => Folded is not null ? $"f{Separator}{Uri.EscapeDataString(Folded)}" : $"s{Separator}{Uri.EscapeDataString(End ?? "")}{Separator}{Token}";
    }
}
