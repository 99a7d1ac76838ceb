using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Pail.Buckets;
using Pail.Server.Http;

namespace Pail.Server.Running;

/// <summary>
/// <c>/healthz</c>: the process answers. <c>/readyz</c>: and the bucket can be reached, asked at most every few seconds
/// however often this is, and the server is not about to stop. Rules that can't be read are told of, and end nothing.
/// <c>/healthz/details</c>: what was done last on a schedule.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to release.")]
internal sealed class Health(RegistryServices services, Bucket bucket, TimeProvider time)
{
    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _asking = new(1);
    private long _asked;
    private string? _trouble = "not asked yet";

    /// <summary>Set once the server is told to stop, so that no new work is sent here.</summary>
    public bool Stopping { get; set; }

    public static Task AliveAsync(HttpContext context) => Answers.BodyAsync(context, "text/plain", "ok\n"u8.ToArray());

    public async Task ReadyAsync(HttpContext context)
    {
        var trouble = Stopping ? "stopping" : await TroubleAsync(context.RequestAborted);
        if (trouble is not null)
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        await Answers.BodyAsync(context, "text/plain", System.Text.Encoding.UTF8.GetBytes($"{trouble ?? "ok"}\n{(services.Door?.Trouble is { } old ? $"{old}\n" : "")}"));
    }

    /// <summary>What was done last on a schedule, as JSON. No request to the bucket.</summary>
    public Task DetailsAsync(HttpContext context) => Answers.BodyAsync(context, HeaderValues.Json, services.Schedule.ToBytes());

    private async Task<string?> TroubleAsync(CancellationToken cancel)
    {
        await _asking.WaitAsync(cancel);
        try
        {
            if (_asked != 0 && time.GetElapsedTime(_asked) < Believed)
                return _trouble;
            _trouble = await AskAsync(cancel);
            _asked = time.GetTimestamp();
            return _trouble;
        }
        finally
        {
            _asking.Release();
        }
    }

    // Not retried: the next question is the retry.
    private async Task<string?> AskAsync(CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Believed);
        try
        {
            await bucket.PingAsync(limit.Token);
            return null;
        }
        catch (PailException e)
        {
            return $"the bucket can't be used: {e.Failure}";
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return "the bucket does not answer";
        }
    }
}
