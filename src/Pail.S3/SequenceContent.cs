using System.Buffers;
using System.Net;

namespace Pail.S3;

/// <summary>Sends a body straight from the buffers it lies in, and can do so again.</summary>
internal sealed class SequenceContent(ReadOnlySequence<byte> body, StallGuard guard, TimeSpan stall, TimeSpan answer) : HttpContent
{
    // Small enough that a slow line moves one well within the stall time, large enough to cost no calls.
    private const int Step = 256 * 1024;

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

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
