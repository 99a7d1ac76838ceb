using System.Collections.Frozen;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Pail.Telemetry;

namespace Pail.Stores;

/// <summary>What requests cost, in US dollars for each thousand. The defaults are the list price of S3 standard in us-east-1.</summary>
/// <param name="ClassA">PUT, COPY, POST and LIST.</param>
/// <param name="ClassB">GET and HEAD.</param>
internal sealed record RequestPrices(decimal ClassA = 0.005m, decimal ClassB = 0.0004m)
{
    /// <summary>The list price of S3 standard in us-east-1.</summary>
    public static RequestPrices OfAws { get; } = new();

    /// <summary>The price of one request in US dollars.</summary>
    public decimal Of(StoreOperation operation) => RequestMeter.ClassOf(operation) switch
    {
        RequestClass.A => ClassA / 1000,
        RequestClass.B => ClassB / 1000,
        _ => 0,
    };
}

/// <summary>Measures the requests to stores. No label has more values than there are operations, classes and outcomes.</summary>
internal static class StoreMetrics
{
    // Made once: a label of a request that is sent for each blob is no new text.
    private static readonly FrozenDictionary<StoreOperation, string> Names = Enum.GetValues<StoreOperation>().ToFrozenDictionary(operation => operation, operation => operation.ToString());

    private static readonly Counter<long> Requests = PailTelemetry.Meter.CreateCounter<long>("pail.s3.requests", "{request}", "Requests sent to S3, tries included");
    private static readonly Counter<double> Dollars = PailTelemetry.Meter.CreateCounter<double>("pail.s3.dollars", "{dollar}", "Price of the requests sent to S3, in US dollars");
    private static readonly Histogram<double> Duration = PailTelemetry.Meter.CreateHistogram("pail.s3.request.duration", "s", "Time from sending a request to S3 to the head of its answer", tags: null, PailTelemetry.Seconds);
    private static readonly Counter<long> Retries = PailTelemetry.Meter.CreateCounter<long>("pail.retries", "{retry}", "Failed requests that were tried again");

    /// <summary>The name of an operation.</summary>
    public static string NameOf(StoreOperation operation) => Names[operation];

    /// <summary>A request was sent to S3, and ended so.</summary>
    public static void Sent(StoreOperation operation, string outcome, TimeSpan time, RequestPrices prices)
    {
        if (!Requests.Enabled)
            return;
        var kind = KeyValuePair.Create("operation", (object?)NameOf(operation));
        var of = RequestMeter.ClassOf(operation) switch { RequestClass.A => "A", RequestClass.B => "B", _ => "free" };
        Requests.Add(1, kind, new("class", of), new("outcome", outcome));
        Dollars.Add((double)prices.Of(operation), kind, new("class", of));
        Duration.Record(time.TotalSeconds, kind);
    }

    /// <summary>A request failed and is tried again.</summary>
    public static void Retried(Exception error)
    {
        var reason = error is StoreException store ? store.Error.ToString() : "Connection";
        Activity.Current?.AddEvent(new ActivityEvent("retry", tags: new ActivityTagsCollection { ["error.type"] = reason }));
        Retries.Add(1, new KeyValuePair<string, object?>("reason", reason));
    }
}
