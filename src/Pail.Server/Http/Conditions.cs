using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Pail.Server.Http;

/// <summary>Conditional requests on content whose entity tag is its digest. Source: RFC 9110, 13.1.</summary>
internal static class Conditions
{
    /// <summary>True if the client has this content already (<c>If-None-Match</c>): 304.</summary>
    public static bool HasIt(HttpRequest request, string digest)
    {
        var values = request.Headers.IfNoneMatch;
        return values.Count > 0 && Lists(values, digest);
    }

    /// <summary>The Range header, unless <c>If-Range</c> names other content: then the whole is wanted.</summary>
    public static string? Range(HttpRequest request, string digest)
    {
        var range = request.Headers.Range;
        if (range.Count != 1)
            return null;
        var condition = request.Headers.IfRange;
        // A date can't be compared, and only a strong tag may be.
        return condition.Count == 0 || (condition.Count == 1 && Unquoted(condition[0]) is { } tag && tag == digest) ? range[0] : null;
    }

    private static bool Lists(StringValues values, string digest)
    {
        foreach (var value in values)
            foreach (var part in value.AsSpan().Split(','))
            {
                var tag = value.AsSpan()[part].Trim();
                if (tag.StartsWith("W/"))
                    tag = tag[2..];
                if (tag is "*" || tag.Trim('"').SequenceEqual(digest))
                    return true;
            }
        return false;
    }

    private static string? Unquoted(string? tag) => tag is ['"', .., '"'] ? tag[1..^1] : null;
}
