using System.Net;
using Pail.Transfer;

namespace Pail.Remote.Http;

/// <summary>
/// A body that comes from a stream, once. The other side may take no longer over a piece than the stall time; the source may
/// take any time. Why the source failed is kept apart from why the connection did.
/// </summary>
/// <param name="source">The bytes.</param>
/// <param name="size">How many there are.</param>
/// <param name="guard">Ends the request when the other side takes nothing.</param>
/// <param name="stall">How long one piece may take.</param>
/// <param name="answer">How long the answer may take once all is sent.</param>
/// <param name="sent">Hears of bytes sent.</param>
internal sealed class StreamedContent(Stream source, long size, StallGuard guard, TimeSpan stall, TimeSpan answer, Action<long> sent) : HttpContent
{
    private const int Step = 128 << 10;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(Step);
        while (await ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            guard.Allow(stall);
            await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            sent(read);
        }
        guard.Allow(answer);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = size;
        return true;
    }

    private async ValueTask<int> ReadAsync(byte[] buffer, CancellationToken cancel)
    {
        guard.Pause();
        try
        {
            return await source.ReadAsync(buffer, cancel);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new PailException(Failure.Unavailable, $"The source of a blob broke off: {Oci.SafeText.OneLine(e.Message)}", e);
        }
    }
}
