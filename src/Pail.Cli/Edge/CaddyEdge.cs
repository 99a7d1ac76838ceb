namespace Pail.Cli.Edge;

/// <summary>A site of Caddy, without modules.</summary>
internal static class CaddyEdge
{
    /// <summary>Writes it.</summary>
    /// <param name="site">The bucket.</param>
    /// <param name="listen">The address of the site: a host, for which Caddy gets a certificate, or <c>:PORT</c>.</param>
    public static EdgeFile Write(EdgeSite site, string listen)
    {
        // The groups of the expression that a handler matches.
        EdgeKeys Keys(string matcher) => site.Keys($"{{re.{matcher}.repository}}", $"{{re.{matcher}.tag}}", $"{{re.{matcher}.algorithm}}", $"{{re.{matcher}.hex}}");
        var address = site.Place.Address;
        var content = EdgeTemplate.Fill("Caddyfile", new Dictionary<string, string>
        {
            ["bucket"] = Quote.Comment(site.Root.ToString()),
            ["layout"] = site.Layout.Name,
            ["id"] = site.Id,
            ["listen"] = Quote.Caddy(listen),
            ["originServer"] = Quote.Caddy(address.GetLeftPart(UriPartial.Authority)),
            ["originHost"] = Quote.Caddy(address.Authority),
            // Caddy escapes a path itself.
            ["originPath"] = Quote.CaddyPath(Uri.UnescapeDataString(site.Path)),
            ["blobKey"] = Keys("blob").Blob,
            ["rawKey"] = Keys("raw").Blob,
            ["manifestKey"] = Keys("manifest").Manifest,
            ["tagKey"] = Keys("tag").Tag,
            ["referrersKey"] = Keys("referrers").Referrers,
            ["tagListKey"] = Keys("list").TagList,
            ["catalogKey"] = Keys("list").Catalog,
        }, site.Layout.SharesBlobs ? "pool" : "lists");
        return new("Caddyfile", content);
    }
}
