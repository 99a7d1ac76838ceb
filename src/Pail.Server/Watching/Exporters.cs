using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Pail.Telemetry;

namespace Pail.Server.Watching;

/// <summary>Exports spans and metrics, as long as it lives: by OTLP, and for Prometheus to read. What is exported to nobody is not measured.</summary>
internal sealed class Exporters : IDisposable
{
    // Of the framework, what there is no measurement of Pail's own for.
    private static readonly HashSet<string> OfFramework = new(StringComparer.Ordinal)
    {
        "http.server.request.duration",
        "http.server.active_requests",
        "kestrel.active_connections",
        "kestrel.rejected_connections",
        "dotnet.process.cpu.time",
        "dotnet.process.memory.working_set",
        "dotnet.gc.last_collection.memory.committed_size",
        "dotnet.gc.pause.time",
    };

    private readonly TracerProvider? _traces;

    private Exporters(MeterProvider? metrics, TracerProvider? traces) => (Metrics, _traces) = (metrics, traces);

    /// <summary>The metrics; null if nobody wants them.</summary>
    public MeterProvider? Metrics { get; }

    /// <summary>Begins to export.</summary>
    /// <param name="otlp">What is exported by OTLP.</param>
    /// <param name="prometheus">Whether Prometheus reads the metrics.</param>
    /// <param name="sources">Sources of spans beside Pail's own.</param>
    public static Exporters Start(OtlpVariables otlp, bool prometheus, params string[] sources) => new(
        otlp.Metrics || prometheus ? MetricsOf(otlp.Metrics, prometheus) : null,
        otlp.Traces ? Sdk.CreateTracerProviderBuilder().SetResourceBuilder(Resource()).AddSource([PailTelemetry.Name, .. sources]).AddOtlpExporter().Build() : null);

    /// <summary>Sends what is left, and ends.</summary>
    public void Dispose()
    {
        _traces?.Dispose();
        Metrics?.Dispose();
    }

    private static MeterProvider MetricsOf(bool otlp, bool prometheus)
    {
        var builder = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(Resource())
            .AddMeter(PailTelemetry.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
            .AddView(instrument => instrument.Meter.Name == PailTelemetry.Name || OfFramework.Contains(instrument.Name) ? null : MetricStreamConfiguration.Drop);
        if (prometheus)
            builder.AddPrometheusExporter();
        if (otlp)
            builder.AddOtlpExporter();
        return builder.Build();
    }

    // What the variables say goes before.
    private static ResourceBuilder Resource() => ResourceBuilder.CreateEmpty().AddService("pail", serviceVersion: PailTelemetry.Version).AddTelemetrySdk().AddEnvironmentVariableDetector();
}
