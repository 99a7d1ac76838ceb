using System.Diagnostics;
using System.Globalization;
using Pail.Stores;
using Pail.Telemetry;

namespace Pail.S3;

/// <summary>
/// One request to S3: counted when it is sent, measured when it is answered, and a span below the work that it is for. A span says bucket and key;
/// never an address, since signatures are in those. Source: OpenTelemetry semantic conventions, "S3" and "RPC".
/// </summary>
internal sealed class S3Call : IDisposable
{
    private readonly StoreOperation _operation;
    private readonly RequestPrices _prices;
    private readonly long _sent = Stopwatch.GetTimestamp();
    private readonly Activity? _span;
    private string? _outcome;

    private S3Call(StoreOperation operation, RequestPrices prices, Activity? span) => (_operation, _prices, _span) = (operation, prices, span);

    /// <summary>Counts a request that is about to be sent.</summary>
    /// <param name="meter">Where it is counted.</param>
    /// <param name="connection">The way to the bucket.</param>
    /// <param name="bucket">The bucket's name.</param>
    /// <param name="operation">What it counts as.</param>
    /// <param name="key">The whole key of the object; empty for a request that is about none.</param>
    public static S3Call Begin(RequestMeter meter, S3Connection connection, string bucket, StoreOperation operation, string key)
    {
        meter.Count(operation);
        var span = PailTelemetry.Spans.HasListeners() ? PailTelemetry.Spans.StartActivity($"S3.{StoreMetrics.NameOf(operation)}", ActivityKind.Client) : null;
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("rpc.system", "aws-api").SetTag("rpc.service", "S3").SetTag("rpc.method", StoreMetrics.NameOf(operation));
            span.SetTag("server.address", connection.Bucket.Host).SetTag("server.port", connection.Bucket.Port).SetTag("cloud.region", connection.Region.SystemName);
            if (operation != StoreOperation.ListBuckets)
                span.SetTag("aws.s3.bucket", bucket);
            if (key.Length > 0)
                span.SetTag("aws.s3.key", key);
        }
        return new(operation, meter.Prices, span);
    }

    /// <summary>The store answered.</summary>
    /// <param name="status">The status of its answer.</param>
    /// <param name="requestId">What the store calls the request.</param>
    public void Answered(int status, string? requestId)
    {
        var outcome = status switch
        {
            < 300 or 304 => "ok",
            404 => "missing",
            409 or 412 => "conflict",
            401 or 403 => "denied",
            429 or 503 => "throttled",
            >= 500 => "failed",
            _ => "refused",
        };
        if (_span is { IsAllDataRequested: true })
        {
            _span.SetTag("http.response.status_code", status);
            if (requestId is { Length: > 0 and < 200 })
                _span.SetTag("aws.request_id", requestId);
            if (status >= 400)
                _span.SetTag("error.type", status.ToString(CultureInfo.InvariantCulture));
        }
        End(outcome, isError: outcome is "denied" or "throttled" or "failed" or "refused");
    }

    /// <summary>No answer came.</summary>
    /// <param name="outcome">Why: <c>timeout</c>, <c>broken</c> or <c>cancelled</c>.</param>
    public void Failed(string outcome)
    {
        _span?.SetTag("error.type", outcome);
        End(outcome, isError: true);
    }

    /// <summary>Ends the span: for an answer with a body, when that was read.</summary>
    public void Dispose()
    {
        if (_outcome is null)
            Failed("cancelled");
        _span.EndElsewhere();
    }

    private void End(string outcome, bool isError)
    {
        if (_outcome is not null)
            return;
        _outcome = outcome;
        if (isError)
            _span?.SetStatus(ActivityStatusCode.Error);
        StoreMetrics.Sent(_operation, outcome, Stopwatch.GetElapsedTime(_sent), _prices);
    }
}
