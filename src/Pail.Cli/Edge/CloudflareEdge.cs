namespace Pail.Cli.Edge;

/// <summary>A Worker of Cloudflare over a bucket of R2.</summary>
internal static class CloudflareEdge
{
    /// <summary>Writes the Worker and what wrangler deploys it by.</summary>
    /// <param name="site">The bucket.</param>
    /// <param name="host">The domain that the Worker answers at; null for one of workers.dev.</param>
    public static IReadOnlyList<EdgeFile> Write(EdgeSite site, string? host)
    {
        var keys = site.Keys("${match[1]}", "${match[2]}", "${match[2]}", "${match[3]}");
        var values = new Dictionary<string, string>
        {
            ["bucket"] = Quote.Comment(site.Root.ToString()),
            ["bucketName"] = Quote.Json(site.Root.Bucket),
            ["layout"] = site.Layout.Name,
            ["prefix"] = Quote.Json(site.Root.Prefix),
            ["name"] = Quote.Json(site.Name.ToLowerInvariant()),
            ["host"] = host is null ? "" : Quote.Json(host),
            ["blobKey"] = $"`{keys.Blob}`",
            ["manifestKey"] = $"`{keys.Manifest}`",
            ["tagKey"] = $"`{keys.Tag}`",
            ["referrersKey"] = $"`{keys.Referrers}`",
        };
        // What lists show of each layout, as BucketLayout.TagQuery and RepositoryQuery have it.
        var lists = site.Layout.SharesBlobs
            ? ("manifests/${repository}/", "undefined", @"/^([^/]+)\/manifest\.json$/", "manifests/", "undefined", @"/^(.+)\/[^/]+\/manifest\.json$/")
            : ("v2/${repository}/manifests/", "':'", "/^([a-zA-Z0-9_][a-zA-Z0-9._-]*)$/", "v2/", "':'", @"/^(.+)\/manifests\/[^/]+$/");
        (values["tagPrefix"], values["tagDelimiter"], values["tagPattern"], values["repositoryPrefix"], values["repositoryDelimiter"], values["repositoryPattern"]) = lists;
        return
        [
            new("worker.js", EdgeTemplate.Fill("cloudflare.worker.js", values, site.Layout.SharesBlobs ? "pool" : null)),
            new("wrangler.toml", EdgeTemplate.Fill("cloudflare.wrangler.toml", values, host is null ? null : "host")),
        ];
    }
}
