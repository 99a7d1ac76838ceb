using Microsoft.AspNetCore.Http;

namespace Pail.Server.Running;

/// <summary>The id that a request has in the log and in its answer.</summary>
internal static class RequestIds
{
    public const string Header = "X-Request-Id";

    private const int MaxLength = 64;

    private static readonly System.Buffers.SearchValues<char> Characters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    /// <summary>What the client or a proxy calls the request, if that is short and plain; else a new id.</summary>
    public static string Of(HttpContext context)
    {
        var sent = context.Request.Headers[Header];
        return sent is [{ Length: > 0 and <= MaxLength } id] && !id.AsSpan().ContainsAnyExcept(Characters) ? id : Guid.CreateVersion7().ToString("N");
    }
}
