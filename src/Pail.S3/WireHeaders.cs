using System.Globalization;
using Pail.Stores;

namespace Pail.S3;

/// <summary>An object's description, to and from the headers of requests that carry its bytes.</summary>
internal static class WireHeaders
{
    private const string UserMetadata = "x-amz-meta-";

    private static readonly string[] Compressed = ["-gzip", ";gzip", ":gzip", "-br", ";br"];

    /// <summary>Adds what goes with the bytes of a PUT.</summary>
    public static void Describe(WireRequest request, ObjectHeaders headers, string? storageClass, StoreEncryption? encryption)
    {
        request.Unsigned["Content-Type"] = headers.ContentType;
        if (headers.CacheControl is { } cacheControl)
            request.Unsigned["Cache-Control"] = cacheControl;
        foreach (var (name, value) in headers.Metadata)
            request.Signed[UserMetadata + name] = value;
        if (storageClass is not null)
            request.Signed["x-amz-storage-class"] = storageClass;
        if (encryption is null)
            return;
        request.Signed["x-amz-server-side-encryption"] = encryption.Method;
        if (encryption.Key is { } key)
            request.Signed["x-amz-server-side-encryption-aws-kms-key-id"] = key;
    }

    /// <summary>What the headers say of an object.</summary>
    public static ObjectInfo Info(HttpResponseMessage response, long size) => new(
        size,
        ETag(response),
        DateTimeOffset.TryParse(S3Refusals.Header(response, "Last-Modified"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var modified) ? modified : default,
        S3Refusals.Header(response, "Content-Type") ?? "")
    {
        CacheControl = S3Refusals.Header(response, "Cache-Control"),
        Metadata = response.Headers.NonValidated
            .Where(header => header.Key.StartsWith(UserMetadata, StringComparison.OrdinalIgnoreCase))
            .ToDictionary(header => header.Key[UserMetadata.Length..].ToLowerInvariant(), header => header.Value.ToString()),
    };

    /// <summary>Which bytes the response holds, and of how many; null if it doesn't say.</summary>
    public static (long Offset, long Length, long Size)? Extent(HttpResponseMessage response)
    {
        var content = response.Content.Headers;
        if ((int)response.StatusCode == 206)
            return content.ContentRange is { From: { } from, To: { } to, Length: { } size } ? (from, to - from + 1, size) : null;
        return content.ContentLength is { } length ? (0, length, length) : null;
    }

    /// <summary>The ETag without quotes.</summary>
    public static string ETag(HttpResponseMessage response) => Unquote(S3Refusals.Header(response, "ETag"));

    /// <summary>
    /// An ETag as the store itself knows it: without quotes, the mark of a weak one, and what web servers in front of a store add where
    /// they compress. Empty for none. Sources: RFC 9110, 8.8.3; Apache mod_deflate, DeflateAlterETag; nginx, ngx_http_gzip_module.
    /// </summary>
    public static string Unquote(string? etag)
    {
        var text = etag?.Trim() ?? "";
        if (text.StartsWith("W/", StringComparison.Ordinal))
            text = text[2..];
        text = text.Trim('"');
        foreach (var added in Compressed)
            if (text.EndsWith(added, StringComparison.Ordinal))
                return text[..^added.Length].TrimEnd('"', '-', ';', ':');
        return text;
    }
}
