namespace Pail.Cli.Edge;

/// <summary>One <c>server</c> block of nginx, without modules.</summary>
internal static class NginxEdge
{
    /// <summary>Writes it.</summary>
    /// <param name="site">The bucket.</param>
    /// <param name="listen">What <c>listen</c> says; null for the usual port.</param>
    /// <param name="host">What <c>server_name</c> says; null for nothing.</param>
    /// <param name="tls">The files of the certificate and its key; null for plain HTTP.</param>
    /// <param name="resolver">The addresses of name servers; null where the store is named by its address.</param>
    public static EdgeFile Write(EdgeSite site, string? listen, string? host, (string Certificate, string Key)? tls, IReadOnlyList<string>? resolver)
    {
        var keys = site.Keys("${repository}", "${tag}", "${algorithm}", "${hex}");
        var address = site.Place.Address;
        var content = EdgeTemplate.Fill("nginx.conf", new Dictionary<string, string>
        {
            ["bucket"] = Quote.Comment(site.Root.ToString()),
            ["layout"] = site.Layout.Name,
            ["listen"] = listen is not null ? Quote.Nginx(listen) + (tls is null ? "" : " ssl") : tls is null ? "80" : "443 ssl",
            ["host"] = host is null ? "" : Quote.Nginx(host),
            ["certificate"] = tls is { } files ? Quote.Nginx(files.Certificate) : "",
            ["key"] = tls is { } pair ? Quote.Nginx(pair.Key) : "",
            ["origin"] = Quote.Nginx(address.GetLeftPart(UriPartial.Authority) + site.Path),
            ["originHost"] = Quote.Nginx(address.Authority),
            ["resolver"] = string.Join(' ', (resolver ?? []).Select(server => Quote.Nginx(server))),
            ["blobKey"] = keys.Blob,
            ["manifestKey"] = keys.Manifest,
            ["tagKey"] = keys.Tag,
            ["referrersKey"] = keys.Referrers,
            ["tagListKey"] = keys.TagList,
            ["catalogKey"] = keys.Catalog,
        }, site.Layout.SharesBlobs ? "pool" : "lists", host is null ? null : "host", tls is null ? null : "tls", resolver is null ? null : "resolver", address.Scheme == Uri.UriSchemeHttps ? "originTls" : null);
        return new("pail.conf", content);
    }
}
