using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Oci;
using Pail.Remote.Http;

namespace Pail.Remote;

/// <summary>The tags of a repository of a registry. Source: OCI distribution-spec, "Listing tags".</summary>
public static class RegistryTags
{
    private const int MaxPage = 8 << 20;
    private const int MaxTags = 1_000_000;

    /// <summary>Lists them, page by page, in the registry's order.</summary>
    /// <exception cref="PailException">There is no such repository, or the list makes no sense.</exception>
    public static async IAsyncEnumerable<string> ListAsync(string host, RepositoryName repository, RegistryClients clients, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var client = clients.Of(host, repository, "pull");
        var seen = new HashSet<string>();
        for (Uri? page = client.In("tags/list?n=1000"); page is not null;)
        {
            var (tags, next) = await clients.Engine.Retry.RunAsync(token => PageAsync(client, page, token), cancel);
            var before = seen.Count;
            foreach (var tag in tags)
                if (seen.Add(Reference.IsTag(tag) ? tag : throw Bad(client, $"'{SafeText.OneLine(tag, 60)}', which is no tag")))
                    yield return tag;
            // A page that leads to another must have brought us on, else there is no end.
            if (next is not null && (seen.Count == before || seen.Count > MaxTags))
                throw Bad(client, "pages without end");
            page = next;
        }
    }

    private static PailException Bad(RegistryClient client, string what) => new(Failure.BadContent, $"{client.Host}: the registry lists {what}.");

    private static async Task<(IReadOnlyList<string> Tags, Uri? Next)> PageAsync(RegistryClient client, Uri page, CancellationToken cancel)
    {
        using var answer = await client.SendAsync(new RegistryRequest(HttpMethod.Get, page, HttpStatusCode.OK), cancel);
        try
        {
            return (JsonSerializer.Deserialize(await answer.ReadAsync(MaxPage, cancel), TagsJson.Default.TagsAnswer)?.Tags ?? [], client.NextPage(answer));
        }
        catch (JsonException e)
        {
            throw new PailException(Failure.BadContent, $"{client.Host}: the list of tags is no JSON: {SafeText.OneLine(e.Message)}", e);
        }
    }
}

internal sealed record TagsAnswer([property: JsonPropertyName("tags")] IReadOnlyList<string>? Tags);

[JsonSerializable(typeof(TagsAnswer))]
internal sealed partial class TagsJson : JsonSerializerContext;
