using System.Diagnostics.Metrics;
using Pail.Telemetry;

namespace Pail.Server.Watching;

/// <summary>What is read off a server when somebody asks; ends with the server.</summary>
internal sealed class ServerGauges : IDisposable
{
    private readonly Meter _meter = PailTelemetry.NewMeter();

    /// <summary>Offers the gauges of a server.</summary>
    public ServerGauges(RegistryServices services)
    {
        var buffers = services.Bucket.Buffers;
        _meter.CreateObservableGauge("pail.buffers.used", () => buffers.InUse, "By", "Memory of parts on their way to and from the bucket");
        _meter.CreateObservableGauge("pail.buffers.limit", () => buffers.Limit, "By", "The most of that memory");
        _meter.CreateObservableGauge("pail.uploads.open", () => services.Sessions.CountOpen(services.Time.GetUtcNow() - services.Options.UploadLifetime), "{upload}", "Uploads under way that this replica took a part of last");
        if (services.Events is { } events)
            _meter.CreateObservableGauge("pail.events.waiting", () => events.Count, "{event}", "Events that wait for a webhook, in the memory of this replica");
        if (services.Door is not { } door)
            return;
        _meter.CreateObservableGauge("pail.access.trouble", () => door.Trouble is null ? 0 : 1, "", "1 while the access rules or passwords can't be read and those of before are in use");
        _meter.CreateObservableGauge("pail.access.rules", () => door.Rules.Rules.Count, "{rule}", "Access rules in use");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
