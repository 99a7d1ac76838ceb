using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.S3;

namespace Pail.Cli.Edge;

/// <summary>A distribution of CloudFront over a bucket of AWS that stays closed to everybody else: the same for Terraform and for the AWS command line.</summary>
internal static class CloudFrontEdge
{
    /// <summary>The key of the object that answers 404, without the prefix of the bucket.</summary>
    public const string ErrorKey = "pail/edge/404.json";

    private const string ErrorBody = """{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest or blob unknown to registry"}]}""" + "\n";

    // Source: AWS, "Use managed cache policies": CachingDisabled.
    private const string CachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes all files.</summary>
    /// <param name="site">The bucket.</param>
    /// <param name="domain">The host and the ARN of its certificate in us-east-1; null for a host of cloudfront.net.</param>
    /// <param name="publicKey">The PEM of the key whose private one signs URLs and cookies; null if anybody may pull.</param>
    public static IReadOnlyList<EdgeFile> Write(EdgeSite site, (string Host, string Certificate)? domain, string? publicKey)
    {
        var keys = site.Keys("${match[1]}", "${match[2]}", "${match[2]}", "${match[3]}");
        var (bucket, prefix) = (site.Root.Bucket, site.Root.Prefix);
        // A tag of a repository "x/blobs" has a path that holds /blobs/, too: the colon tells them apart.
        string[] digestPaths = ["/v2/*/blobs/sha256:*", "/v2/*/blobs/sha512:*", "/v2/*/manifests/sha256:*", "/v2/*/manifests/sha512:*", .. site.Layout.SharesBlobs ? ["/blobs/*"] : Array.Empty<string>()];
        string[] resources = [.. site.Layout.Prefixes.Append(ErrorKey).Select(part => $"arn:{site.Place.Partition}:s3:::{bucket}/{ArnPattern.Escape(prefix)}{part}{(part == ErrorKey ? "" : "*")}")];
        var (host, certificate) = (domain?.Host ?? "", domain?.Certificate ?? "");
        var originDomain = $"{bucket}.s3.{site.Place.Region}.amazonaws.com{(site.Place.Partition == "aws-cn" ? ".cn" : "")}";
        var control = new JsonObject { ["Name"] = site.Name, ["OriginAccessControlOriginType"] = "s3", ["SigningBehavior"] = "always", ["SigningProtocol"] = "sigv4" };
        Dictionary<string, string> Values(Func<string, string> quote) => new()
        {
            ["bucket"] = Quote.Comment(site.Root.ToString()),
            ["commentBucket"] = Quote.Comment(site.Root.ToString()),
            ["layout"] = site.Layout.Name,
            ["plainName"] = site.Name,
            ["errorKey"] = ErrorKey,
            ["name"] = quote(site.Name),
            ["comment"] = quote($"Pail: {site.Root}"),
            ["region"] = quote(site.Place.Region),
            ["bucketName"] = quote(bucket),
            ["errorObject"] = quote(prefix + ErrorKey),
            ["host"] = quote(host),
            ["certificate"] = quote(certificate),
            ["originDomain"] = quote(originDomain),
            ["originPath"] = quote(site.EscapedPrefix),
            ["digestPaths"] = string.Join(", ", digestPaths.Select(quote)),
            ["resources"] = string.Join(", ", resources.Select(quote)),
            ["controlConfig"] = quote(control.ToJsonString()),
            ["blobKey"] = $"`{keys.Blob}`",
            ["manifestKey"] = $"`{keys.Manifest}`",
            ["tagKey"] = $"`{keys.Tag}`",
            ["referrersKey"] = $"`{keys.Referrers}`",
            ["tagListKey"] = $"`{keys.TagList}`",
            ["catalogKey"] = $"`{keys.Catalog}`",
        };
        string?[] flags = [site.Layout.SharesBlobs ? "pool" : "lists", domain is null ? null : "host", publicKey is null ? null : "signed"];
        List<EdgeFile> files =
        [
            new("function.js", EdgeTemplate.Fill("cloudfront.function.js", Values(Quote.Json), flags)),
            new("main.tf", EdgeTemplate.Fill("cloudfront.main.tf", Values(Quote.Terraform), flags)),
            new("aws-cli.sh", EdgeTemplate.Fill("cloudfront.aws-cli.sh", Values(Quote.Shell), flags)),
            new("distribution.json", Text(Distribution(site, originDomain, digestPaths, domain, publicKey is not null))),
            new("cache-policy.json", Text(CachePolicy(site))),
            new("bucket-policy.json", Text(BucketPolicy(resources))),
            new("404.json", ErrorBody),
        ];
        if (publicKey is not null)
            files.Add(new("public-key.json", Text(new JsonObject { ["CallerReference"] = site.Name, ["Name"] = site.Name, ["EncodedKey"] = publicKey })));
        return files;
    }

    private static string Text(JsonObject json) => json.ToJsonString(Readable) + "\n";

    // @WORD@ is filled in by aws-cli.sh.
    private static JsonObject Distribution(EdgeSite site, string originDomain, string[] digestPaths, (string Host, string Certificate)? domain, bool signed) => new()
    {
        ["CallerReference"] = "@NOW@",
        ["Comment"] = $"Pail: {site.Root}",
        ["Enabled"] = true,
        ["IsIPV6Enabled"] = true,
        ["HttpVersion"] = "http2and3",
        ["Aliases"] = domain is null ? List() : List((JsonNode)domain.Value.Host),
        ["Origins"] = List(new JsonObject
        {
            ["Id"] = "bucket",
            ["DomainName"] = originDomain,
            ["OriginPath"] = site.EscapedPrefix,
            ["OriginAccessControlId"] = "@CONTROL@",
            // Wanted by the API, and empty with an access control.
            ["S3OriginConfig"] = new JsonObject { ["OriginAccessIdentity"] = "" },
        }),
        ["DefaultCacheBehavior"] = Behavior(null, CachingDisabled, signed),
        ["CacheBehaviors"] = List([.. digestPaths.Select(path => Behavior(path, "@DIGESTS@", signed))]),
        ["CustomErrorResponses"] = List([.. ((int[])[403, 404]).Select(code => new JsonObject
        {
            ["ErrorCode"] = code,
            ["ResponsePagePath"] = $"/{ErrorKey}",
            ["ResponseCode"] = "404",
            ["ErrorCachingMinTTL"] = 0,
        })]),
        ["ViewerCertificate"] = domain is { } own
            ? new JsonObject { ["ACMCertificateArn"] = own.Certificate, ["SSLSupportMethod"] = "sni-only", ["MinimumProtocolVersion"] = "TLSv1.2_2021" }
            : new JsonObject { ["CloudFrontDefaultCertificate"] = true },
    };

    private static JsonObject Behavior(string? path, string policy, bool signed)
    {
        var behavior = new JsonObject
        {
            ["TargetOriginId"] = "bucket",
            ["ViewerProtocolPolicy"] = "redirect-to-https",
            ["AllowedMethods"] = new JsonObject { ["Quantity"] = 2, ["Items"] = new JsonArray("GET", "HEAD"), ["CachedMethods"] = List("GET", "HEAD") },
            ["Compress"] = false,
            ["CachePolicyId"] = policy,
            ["FunctionAssociations"] = List([.. ((string[])["viewer-request", "viewer-response"]).Select(type => new JsonObject { ["EventType"] = type, ["FunctionARN"] = "@FUNCTION@" })]),
            ["TrustedKeyGroups"] = signed ? new JsonObject { ["Enabled"] = true, ["Quantity"] = 1, ["Items"] = new JsonArray("@GROUP@") } : new JsonObject { ["Enabled"] = false, ["Quantity"] = 0 },
        };
        if (path is not null)
            behavior["PathPattern"] = path;
        return behavior;
    }

    private static JsonObject CachePolicy(EdgeSite site) => new()
    {
        ["Name"] = $"{site.Name}-digests",
        ["MinTTL"] = 31536000,
        ["DefaultTTL"] = 31536000,
        ["MaxTTL"] = 31536000,
        ["ParametersInCacheKeyAndForwardedToOrigin"] = new JsonObject
        {
            ["EnableAcceptEncodingGzip"] = false,
            ["HeadersConfig"] = new JsonObject { ["HeaderBehavior"] = "none" },
            ["CookiesConfig"] = new JsonObject { ["CookieBehavior"] = "none" },
            ["QueryStringsConfig"] = new JsonObject { ["QueryStringBehavior"] = "none" },
        },
    };

    private static JsonObject BucketPolicy(string[] resources) => new()
    {
        ["Version"] = "2012-10-17",
        ["Statement"] = new JsonArray(new JsonObject
        {
            ["Sid"] = "PailCloudFront",
            ["Effect"] = "Allow",
            ["Principal"] = new JsonObject { ["Service"] = "cloudfront.amazonaws.com" },
            ["Action"] = "s3:GetObject",
            ["Resource"] = new JsonArray([.. resources.Select(resource => (JsonNode)resource)]),
            ["Condition"] = new JsonObject { ["StringEquals"] = new JsonObject { ["AWS:SourceArn"] = "@DISTRIBUTION@" } },
        }),
    };

    private static JsonObject List(params JsonNode[] items) => items.Length == 0
        ? new JsonObject { ["Quantity"] = 0 }
        : new JsonObject { ["Quantity"] = items.Length, ["Items"] = new JsonArray([.. items]) };
}
