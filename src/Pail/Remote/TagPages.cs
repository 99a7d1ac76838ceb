using System.Net;
using System.Text.Json;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Stores;

namespace Pail.Remote;

/// <summary>A page of a list of tags.</summary>
/// <param name="Entries">What it lists, tags or not.</param>
/// <param name="Next">The page that it names as the next; null for none.</param>
internal sealed record TagPage(IReadOnlyList<string> Entries, Uri? Next);

/// <summary>
/// The pages of one list of tags. The first is asked for with as many tags as registries take at once, then with fewer, then with no
/// number: some refuse one above their limit. No page is asked for twice.
/// </summary>
internal sealed class TagPages(RegistryClient client, Retry retry)
{
    private const int MaxPage = 8 << 20;

    // Limits are round numbers.
    private const int Round = 50;

    private static readonly int?[] Sizes = [1000, 100, null];

    private readonly HashSet<string> _asked = [];
    private int? _size;

    /// <summary>The first page.</summary>
    public async Task<TagPage> FirstAsync(CancellationToken cancel)
    {
        foreach (var size in Sizes)
        {
            _size = size;
            var address = client.In($"tags/list{(size is null ? "" : $"?n={size}")}");
            _asked.Add(address.AbsoluteUri);
            if (await retry.RunAsync(token => AskAsync(address, isLast: size is null, token), cancel) is { } page)
                return page;
        }
        throw new InvalidOperationException("The last way returns a page or throws.");
    }

    /// <summary>A page that another named.</summary>
    public async Task<TagPage> GetAsync(Uri address, CancellationToken cancel) => _asked.Add(address.AbsoluteUri)
        ? (await retry.RunAsync(token => AskAsync(address, isLast: true, token), cancel))!
        : throw Endless();

    /// <summary>
    /// The address of what may follow a page that names no next one but is as full as a page may be: as asked, or a round number, which is a
    /// limit of the registry's own. Null if it is the end.
    /// </summary>
    public Uri? Beyond(TagPage page) => _size is { } size && page.Entries is { Count: > 0 } entries && (entries.Count >= size || entries.Count % Round == 0)
        ? client.In($"tags/list?n={size}&last={Uri.EscapeDataString(entries[^1])}")
        : null;

    /// <summary>Says that the pages have no end.</summary>
    public PailException Endless() => Bad("pages without end");

    private PailException Bad(string what) => new(Failure.BadContent, $"{client.Host}: the registry lists {what}.");

    // Null if it is refused, perhaps for its number, and another way is left.
    private async Task<TagPage?> AskAsync(Uri address, bool isLast, CancellationToken cancel)
    {
        using var answer = await client.SendAsync(new RegistryRequest(HttpMethod.Get, address) { HandlesRefusals = !isLast }, cancel);
        if (answer.IsSuccess)
            return new TagPage(Entries(await answer.ReadAsync(MaxPage, cancel)), client.NextPage(answer));
        return answer.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
            ? throw await client.ErrorAsync(answer, cancel)
            : null;
    }

    private IReadOnlyList<string> Entries(byte[] json)
    {
        try
        {
            using var document = JsonText.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object || document.RootElement.TryGetProperty("errors", out _))
                throw Bad("errors, or nothing, where tags should be");
            // A repository without tags has null, or no list at all.
            if (!document.RootElement.TryGetProperty("tags", out var tags) && !document.RootElement.TryGetProperty("name", out _))
                throw Bad("no tags, nor of which repository");
            // In brackets what is no text, and so no tag.
            return tags.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? []
                : tags.ValueKind == JsonValueKind.Array
                ? [.. tags.EnumerateArray().Select(tag => tag.ValueKind == JsonValueKind.String ? tag.GetString()! : $"({tag.GetRawText()})")]
                : throw Bad("tags that are no list");
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadContent, $"{client.Host}: the list of tags can't be used: {JsonText.Why(e)}.", e);
        }
    }
}
