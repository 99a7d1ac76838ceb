using System.Net;

namespace Pail.Server.Watching;

/// <summary>Where metrics are shown.</summary>
/// <param name="Address">An address for them alone, without a login; null for <c>/metrics</c> of the server, by its access rules.</param>
internal sealed record MetricsOptions(IPEndPoint? Address = null);
