using Microsoft.AspNetCore.Http;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Access;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Routing;

namespace Pail.Server.Discovery;

/// <summary>The lists of tags and of repositories, page by page.</summary>
internal sealed class Listings(RegistryServices services)
{
    /// <summary>The longest page: ten LIST requests. Longer lists go on at the Link.</summary>
    private const int MaxTags = 10_000;

    private const int MaxRepositories = 1000;

    /// <summary>GET <c>/v2/REPO/tags/list?n=&amp;last=</c>. Source: OCI distribution-spec, "Listing Tags".</summary>
    public async Task<RegistryError?> TagsAsync(HttpContext context, RegistryRoute.Tags route)
    {
        if (PageQuery.Read(context.Request, MaxTags, out var query) is { } invalid)
            return invalid;
        if (query.Last is { } last && !Reference.IsTag(last))
            return RegistryError.TagInvalid.About(last);
        var page = await services.Bucket.Repository(route.Repository).Tags.ListPageAsync(query.Last, query.Count ?? MaxTags, context.RequestAborted);
        if (!page.Found && query.Last is null)
            return RegistryError.NameUnknown.About(route.Repository.ToString());
        Link(context, query, MaxTags, page);
        await Answers.BodyAsync(context, HeaderValues.Json, NameList.WriteTags(route.Repository, page.Names));
        return null;
    }

    /// <summary>GET <c>/v2/_catalog?n=&amp;last=</c>. Source: Docker Registry HTTP API V2, "Catalog".</summary>
    public async Task<RegistryError?> CatalogAsync(HttpContext context)
    {
        if (PageQuery.Read(context.Request, MaxRepositories, out var query) is { } invalid)
            return invalid;
        RepositoryName? after = null;
        if (query.Last is { } last)
        {
            if (!RepositoryName.TryParse(last, out var name))
                return RegistryError.NameInvalid.About(last);
            after = name;
        }
        var page = query.Count == 0
            ? new NamePage([], More: false, Found: true)
            : await services.Bucket.ListRepositoryPageAsync(after, query.Count ?? MaxRepositories, Visitor.Of(context) is { } visitor ? visitor.MaySee : null, context.RequestAborted);
        Link(context, query, MaxRepositories, page);
        await Answers.BodyAsync(context, HeaderValues.Json, NameList.WriteCatalog(page.Names));
        return null;
    }

    // Source: RFC 8288 (which replaces 5988). Names need no escaping but for the slash, which a query may hold.
    private void Link(HttpContext context, PageQuery query, int max, NamePage page)
    {
        if (page.More && page.Names.Count > 0)
            context.Response.Headers.Link = $"<{services.Locate(context, context.Request.Path.Value!)}?n={query.Count ?? max}&last={page.Names[^1]}>; rel=\"next\"";
    }
}
