using Pail.Server.Running;

namespace Pail.Server.Audit;

/// <summary>Writes the audit trail to the bucket: each hour soon after it, and what is left when the server stops.</summary>
internal sealed class AuditRecorder(RegistryServices services) : RecurringTask("audit", "keeping the audit trail", Interval, services.Log, services.Time)
{
    // Asking what is due costs no request.
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LastTry = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // Requests have ended by now: the web server was started last, and is stopped first.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LastTry);
        try
        {
            await services.Audit!.FlushAsync(services.Bucket, end: true, limit.Token);
        }
        catch (Exception e) when (e is PailException or OperationCanceledException)
        {
            services.Log.AuditNotKept(e is PailException ? e.Message : "the bucket did not answer in time");
        }
    }

    /// <inheritdoc/>
    protected override Task RunAsync(CancellationToken cancel) => services.Audit!.FlushAsync(services.Bucket, end: false, cancel);
}
