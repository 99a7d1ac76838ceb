using System.Globalization;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Pail.Server.Routing;

namespace Pail.Server.Blobs;

/// <summary>
/// skopeo, podman and buildah ask twice, one HEAD right after the other, for a layer they are about to push; the second
/// needs no request to the bucket. It counts as the same question only if it is the very next request of the connection,
/// comes at once, and no proxy stands between, over whose connection different clients may ask.
/// </summary>
/// <param name="Route">What was asked for, and was not there.</param>
/// <param name="Request">Which request of the connection that was.</param>
/// <param name="At">When it was answered.</param>
internal sealed record MissedBlob(RegistryRoute.Blob Route, int Request, long At)
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(250);
    private static readonly object Key = new();

    /// <summary>True if this request repeats the one before, which found nothing.</summary>
    public static bool WasAskedJustNow(HttpContext context, RegistryRoute.Blob route, TimeProvider time) =>
        context.Features.Get<IConnectionItemsFeature>() is { } connection
        && connection.Items.TryGetValue(Key, out var value) && value is MissedBlob missed
        && missed.Route == route && missed.Request + 1 == Number(context) && time.GetElapsedTime(missed.At) < AtOnce;

    /// <summary>Remembers that this request found nothing.</summary>
    public static void Remember(HttpContext context, RegistryRoute.Blob route, TimeProvider time)
    {
        if (IsDirect(context.Request.Headers) && Number(context) is { } number && context.Features.Get<IConnectionItemsFeature>() is { } connection)
            connection.Items[Key] = new MissedBlob(route, number, time.GetTimestamp());
    }

    private static bool IsDirect(IHeaderDictionary headers) =>
        !headers.ContainsKey("X-Forwarded-For") && !headers.ContainsKey("Forwarded") && !headers.ContainsKey("Via");

    // Kestrel names requests CONNECTION:NUMBER, the number in hexadecimal digits.
    private static int? Number(HttpContext context) =>
        context.TraceIdentifier is var id && id.LastIndexOf(':') is var colon and > 0
        && int.TryParse(id.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var number) ? number : null;
}
