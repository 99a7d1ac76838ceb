using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pail.Oci;
using Pail.Server.Watching;
using Pail.Telemetry;

namespace Pail.Server.Running;

/// <summary>
/// Work that the server does again and again beside its requests. No failure of it ends the server: each is logged, with
/// what was thrown if that was not a failure of the bucket, and the work is done again after the usual time.
/// </summary>
/// <param name="key">Its short name, for metrics and spans.</param>
/// <param name="name">What it does, for the log.</param>
/// <param name="interval">The longest time from the end of one run to the next; it varies down to half of that.</param>
/// <param name="log">The log.</param>
/// <param name="time">The clock.</param>
internal abstract class RecurringTask(string key, string name, TimeSpan interval, ILogger log, TimeProvider time) : BackgroundService
{
    /// <summary>The longest time from the end of one run to the next.</summary>
    protected TimeSpan Every => interval;

    /// <summary>The time to the next run: never at the start, and so that replicas which were started together do not work together.</summary>
    protected virtual TimeSpan Pause => interval * (0.5 + (Random.Shared.NextDouble() / 2));

    /// <summary>Does the work once.</summary>
    protected abstract Task RunAsync(CancellationToken cancel);

    /// <summary>Does the work once, and logs how it failed. Throws only when it is cancelled.</summary>
    internal async Task TryRunAsync(CancellationToken cancel)
    {
        var (started, succeeded) = (Stopwatch.GetTimestamp(), false);
        // Also where nobody listens to spans: what it logs has one trace id.
        using var span = PailTelemetry.Begin($"task {key}") ?? new Activity($"task {key}").Start();
        try
        {
            await RunAsync(cancel);
            succeeded = true;
        }
        catch (Exception) when (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancel);
        }
        catch (PailException e)
        {
            span.Fail(e);
            log.TaskFailed(name, e.Message.TrimEnd('.'));
        }
        catch (Exception e)
        {
            span.Fail(e);
            log.TaskBroke(e, name, $"{e.GetType().Name}: {SafeText.OneLine(e.Message)}");
        }
        ServerMetrics.Ran(key, Stopwatch.GetElapsedTime(started), succeeded, time.GetUtcNow());
    }

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await Task.Delay(Pause, time, stoppingToken);
            await TryRunAsync(stoppingToken);
        }
    }
}
