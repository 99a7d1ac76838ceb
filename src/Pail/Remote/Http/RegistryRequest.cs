using System.Net;
using System.Net.Http.Headers;
using Pail.Transfer;

namespace Pail.Remote.Http;

/// <summary>A request to a registry, as often as it has to be made.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Address">Where.</param>
/// <param name="Expected">The statuses that the caller handles besides 2xx, which all mean success.</param>
internal sealed record RegistryRequest(HttpMethod Method, Uri Address, params HttpStatusCode[] Expected)
{
    /// <summary>The caller handles every 4xx and 5xx, and 3xx where redirects are not followed: it has another way.</summary>
    public bool HandlesRefusals { get; init; }

    /// <summary>Makes the body, if there is one.</summary>
    public Func<StallGuard, HttpContent>? Body { get; init; }

    /// <summary>False if the body is a stream that can be sent once.</summary>
    public bool CanRepeat { get; init; } = true;

    /// <summary>The media types wanted.</summary>
    public IReadOnlyList<string> Accept { get; init; } = [];

    /// <summary>The bytes wanted; null for all.</summary>
    public RangeHeaderValue? Range { get; init; }

    /// <summary>Scopes needed besides those of the repository itself.</summary>
    public IReadOnlyList<string> MoreScopes { get; init; } = [];

    /// <summary>True if the caller handles the status.</summary>
    public bool Handles(HttpStatusCode status) => Expected.Contains(status) || (HandlesRefusals && ((int)status >= 400 || !FollowsRedirects));

    /// <summary>A redirect is followed. Uploads never are: what is sent was meant for whom it was sent to.</summary>
    public bool FollowsRedirects => Method == HttpMethod.Get || Method == HttpMethod.Head;
}
