using System.Buffers;
using System.Net;

namespace Pail.Transfer;

/// <summary>Sends a body straight from the buffers it lies in, and can do so again.</summary>
/// <param name="body">The bytes.</param>
/// <param name="guard">Ends the request when nothing moves.</param>
/// <param name="stall">How long one piece may take.</param>
/// <param name="answer">How long the answer may take once all is sent.</param>
internal sealed class SequenceContent(ReadOnlySequence<byte> body, StallGuard guard, TimeSpan stall, TimeSpan answer) : HttpContent
{
    // Small enough that a slow line moves one well within the stall time, large enough to cost no calls.
    private const int Step = 256 * 1024;

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    /// <inheritdoc/>
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        foreach (var segment in body)
            for (var rest = segment; rest.Length > 0; rest = rest[Math.Min(Step, rest.Length)..])
            {
                guard.Allow(stall);
                await stream.WriteAsync(rest[..Math.Min(Step, rest.Length)], cancellationToken);
            }
        guard.Allow(answer);
    }
}
