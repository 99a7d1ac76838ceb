using System.Globalization;
using Microsoft.AspNetCore.Http;
using Pail.Server.Errors;

namespace Pail.Server.Http;

/// <summary>Which page of a list a request asks for. Source: OCI distribution-spec, "Listing Tags".</summary>
/// <param name="Count">At most so many entries (<c>n</c>); null if the request does not say.</param>
/// <param name="Last">Only what comes after this (<c>last</c>).</param>
internal readonly record struct PageQuery(int? Count, string? Last)
{
    /// <summary>Reads <c>n</c> and <c>last</c>, empty ones as absent; an error if <c>n</c> is no number. More than <paramref name="max"/> is cut to that.</summary>
    public static RegistryError? Read(HttpRequest request, int max, out PageQuery page)
    {
        page = default;
        if (!request.QueryString.HasValue)
            return null;
        // Empty is what scripts send that have no last entry yet.
        var last = request.Query["last"].ToString() is { Length: > 0 } name ? name : null;
        var n = request.Query["n"].ToString() is { Length: > 0 } number ? number : null;
        if (n is null)
        {
            page = new(null, last);
            return null;
        }
        // Digits that no int can hold are a number all the same.
        if (n.AsSpan().ContainsAnyExceptInRange('0', '9'))
            return RegistryError.PaginationInvalid.About(n);
        page = new(int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? Math.Min(count, max) : max, last);
        return null;
    }
}
