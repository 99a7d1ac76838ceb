using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Pail.Server.Uploads;

/// <summary>What is done with bodies of requests.</summary>
internal static class RequestBody
{
    /// <summary>True if there are no bytes. Waits for the first if they don't say beforehand.</summary>
    public static async ValueTask<bool> IsEmptyAsync(PipeReader body, CancellationToken cancel)
    {
        var read = await body.ReadAsync(cancel);
        var empty = read is { IsCompleted: true, Buffer.IsEmpty: true };
        body.AdvanceTo(read.Buffer.Start);
        return empty;
    }

    /// <summary>
    /// Takes all of a body as it comes. Each read is ended even if taking it fails: only then can the server read the
    /// rest and throw it away, so that a client that is still sending gets its answer instead of a broken connection.
    /// </summary>
    /// <param name="body">The body.</param>
    /// <param name="take">Takes the next bytes.</param>
    /// <param name="rest">How long it may bring nothing. Its rate is looked at by the server, but as an average: who sent much at first could hold the memory of its part for hours.</param>
    /// <param name="cancel">Interrupts it.</param>
    public static async Task TakeAsync(PipeReader body, Func<ReadOnlySequence<byte>, Task> take, TimeSpan rest, CancellationToken cancel)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        for (var ended = false; !ended;)
        {
            waiting.CancelAfter(rest);
            var read = await NextAsync(body, waiting.Token, cancel);
            waiting.CancelAfter(Timeout.InfiniteTimeSpan);
            try
            {
                await take(read.Buffer);
            }
            finally
            {
                body.AdvanceTo(read.Buffer.End);
            }
            ended = read.IsCompleted;
        }
    }

    private static async ValueTask<ReadResult> NextAsync(PipeReader body, CancellationToken waiting, CancellationToken cancel)
    {
        try
        {
            return await body.ReadAsync(waiting);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The body rested for too long.", StatusCodes.Status408RequestTimeout, e);
        }
    }
}
