using Pail.Oci;

namespace Pail.Server.Watching;

/// <summary>What the standard variables say of exporting by OTLP. All else they say is read by the exporter. Source: OpenTelemetry specification, "Environment Variable Specification".</summary>
/// <param name="Traces">Whether spans are exported.</param>
/// <param name="Metrics">Whether metrics are exported.</param>
internal sealed record OtlpVariables(bool Traces, bool Metrics)
{
    /// <summary>Nothing is exported.</summary>
    public static OtlpVariables None { get; } = new(false, false);

    /// <summary>Reads them: an endpoint, or <c>otlp</c> as exporter, switches exporting on; <c>none</c> as exporter, or <c>OTEL_SDK_DISABLED=true</c>, off.</summary>
    /// <exception cref="PailException">They name an exporter that Pail does not have.</exception>
    public static OtlpVariables Read(Func<string, string?> variables) =>
        string.Equals(variables("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase) ? None : new(IsOn(variables, "TRACES"), IsOn(variables, "METRICS"));

    private static bool IsOn(Func<string, string?> variables, string signal) => variables($"OTEL_{signal}_EXPORTER") switch
    {
        null or "" => variables("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 } || variables($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") is { Length: > 0 },
        "otlp" => true,
        "none" => false,
        var other => throw new PailException(Failure.BadInput, $"OTEL_{signal}_EXPORTER: otlp or none is expected, not '{SafeText.OneLine(other, 40)}'."),
    };
}
