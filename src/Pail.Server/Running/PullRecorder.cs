namespace Pail.Server.Running;

/// <summary>
/// Writes down when manifests were pulled, for retention: one PUT an hour in which there were pulls, and one when the server stops. A bucket that takes no
/// writes is told in the log once.
/// </summary>
internal sealed class PullRecorder(RegistryServices services) : RecurringTask("pulls", "keeping pull times", Interval, services.Log, services.Time)
{
    // An hour that is over is written soon after; asking costs no request.
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan LastTry = TimeSpan.FromSeconds(10);

    private int _told;

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // Requests have ended by now: the web server was started last, and is stopped first.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LastTry);
        try
        {
            await FlushAsync(end: true, limit.Token);
        }
        catch (OperationCanceledException)
        {
            Tell("the bucket did not answer in time");
        }
    }

    /// <inheritdoc/>
    protected override Task RunAsync(CancellationToken cancel) => FlushAsync(end: false, cancel);

    private async Task FlushAsync(bool end, CancellationToken cancel)
    {
        try
        {
            await services.Pulls.FlushAsync(services.Bucket, end, cancel);
        }
        catch (PailException e)
        {
            Tell(e.Message.TrimEnd('.'));
        }
    }

    private void Tell(string reason)
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
            services.Log.PullsNotKept(reason);
    }
}
