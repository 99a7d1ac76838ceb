using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Pail.Server.Page;

/// <summary>The fields of a form.</summary>
internal sealed class PageForm
{
    private readonly Dictionary<string, string> _fields = new(StringComparer.Ordinal);

    /// <summary>A field; null if the form has none of that name.</summary>
    public string? this[string name] => _fields.GetValueOrDefault(name);

    /// <summary>Reads the body of a request; null if it is no form, or has more bytes than it may have.</summary>
    public static async Task<PageForm?> ReadAsync(HttpContext context, int limit)
    {
        if (context.Request.ContentType?.Split(';')[0].Trim() != "application/x-www-form-urlencoded" || context.Request.ContentLength is not { } length || length > limit)
            return null;
        var bytes = new byte[length];
        await context.Request.Body.ReadExactlyAsync(bytes, context.RequestAborted);
        var form = new PageForm();
        foreach (var pair in new QueryStringEnumerable(System.Text.Encoding.ASCII.GetString(bytes)))
            form._fields.TryAdd(pair.DecodeName().ToString(), pair.DecodeValue().ToString());
        return form;
    }
}
