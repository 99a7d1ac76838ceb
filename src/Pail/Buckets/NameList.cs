using System.Text.Encodings.Web;
using System.Text.Json;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>The JSON of <c>tags/list</c> and <c>_catalog</c>. Source: OCI distribution-spec, "Listing Tags"; Docker Registry HTTP API V2, "Catalog".</summary>
internal static class NameList
{
    internal const string Tags = "tags";
    internal const string Repositories = "repositories";

    // "+" stays "+": nothing here is ever put into a page.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Keys and common prefixes come as two sorted lists; what they show is wanted in one order.
    internal static IEnumerable<string> NamesOf(ListPage page) =>
        page.Prefixes.Count == 0 ? page.Objects.Select(item => item.Key) : page.Objects.Select(item => item.Key).Concat(page.Prefixes).Order(StringComparer.Ordinal);

    // What the layout lists in another order, strictly after a name.
    internal static async IAsyncEnumerable<T> SortAsync<T>(IAsyncEnumerable<T> names, object? after)
    {
        var sorted = new SortedDictionary<string, T>(StringComparer.Ordinal);
        await foreach (var name in names)
            if (after is null || string.CompareOrdinal(name!.ToString(), after.ToString()) > 0)
                sorted[name!.ToString()!] = name;
        foreach (var name in sorted.Values)
            yield return name;
    }

    internal static SortedSet<string> Read(ReadOnlyMemory<byte>? bytes, string property)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        if (bytes is not { } json)
            return names;
        try
        {
            using var document = JsonText.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new FormatException("it is not a JSON object");
            if (document.RootElement.TryGetProperty(property, out var list) && list.ValueKind == JsonValueKind.Array)
                foreach (var item in list.EnumerateArray())
                    names.Add((item.ValueKind == JsonValueKind.String ? item.GetString() : null) ?? throw new FormatException("an entry is not a name"));
            return names;
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadContent, $"the bucket's list of {property} is damaged ({JsonText.Why(e)}). Run pail init on the bucket again to rebuild it.", e);
        }
    }

    /// <summary>The answer to <c>tags/list</c>.</summary>
    public static byte[] WriteTags(RepositoryName repository, IEnumerable<string> tags) => Write(Tags, tags, repository);

    /// <summary>The answer to <c>_catalog</c>.</summary>
    public static byte[] WriteCatalog(IEnumerable<string> repositories) => Write(Repositories, repositories, null);

    private static byte[] Write(string property, IEnumerable<string> names, RepositoryName? repository)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            if (repository is { } name)
                json.WriteString("name", name.ToString());
            json.WriteStartArray(property);
            foreach (var item in names)
                json.WriteStringValue(item);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }
}
