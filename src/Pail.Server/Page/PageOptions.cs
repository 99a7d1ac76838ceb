using Pail.Stores;

namespace Pail.Server.Page;

/// <summary>How the page for people is shown.</summary>
/// <param name="Meter">The meter of the store: each view says how many requests it took.</param>
internal sealed record PageOptions(RequestMeter Meter)
{
    /// <summary>Whether tags and images can be moved, removed and restored from the page.</summary>
    public bool Actions { get; init; }

    /// <summary>
    /// Whether requests must name this machine's loopback as their host, since nobody signs in: another site that a browser shows can make its own
    /// name lead here (DNS rebinding), and would read private images.
    /// </summary>
    public bool LoopbackNamesOnly { get; init; }
}
