using System.CommandLine;
using Pail.Cli.Output;
using Pail.Server.Watching;

namespace Pail.Cli.Options;

/// <summary>Where the time of a command went.</summary>
internal sealed class TraceOption
{
    private readonly Option<string?> _trace = new("--trace") { HelpName = "FILE|otlp", Description = "Where the time went: a trace that ui.perfetto.dev shows, or by OTLP to where OTEL_EXPORTER_OTLP_ENDPOINT says" };

    public void AddTo(Command command) => command.Add(_trace);

    /// <summary>Begins to trace, if that is asked for; to be disposed at the end.</summary>
    public IDisposable? Begin(ParseResult parsed) => (parsed.GetResult(_trace) is null ? null : parsed.GetValue(_trace)) switch
    {
        null => null,
        "otlp" => Exporters.Start(new OtlpVariables(Traces: true, Metrics: false), prometheus: false),
        var file => TraceFile.Begin(file),
    };
}
