using System.Net;

namespace Pail.Tests.Server.Uploads;

/// <summary>Bodies as clients send them.</summary>
internal static class Bodies
{
    /// <summary>With Content-Length, as containerd and skopeo do.</summary>
    public static HttpContent Sized(byte[] bytes, int from = 0, int? length = null) => new ByteArrayContent(bytes, from, length ?? (bytes.Length - from));

    /// <summary>In HTTP chunks, without a length, as docker and crane do.</summary>
    public static HttpContent Streamed(byte[] bytes, int from = 0, int? length = null) => new StreamedContent(bytes.AsMemory(from, length ?? (bytes.Length - from)));

    /// <summary>None, and said to be so.</summary>
    public static HttpContent Empty() => Sized([]);

    /// <summary>Waits at some byte until the gate opens, or breaks the connection there if it fails.</summary>
    public static HttpContent Gated(byte[] bytes, int at, Task gate, Action? reached = null) => new GatedContent(bytes, at, gate, reached);

    private sealed class StreamedContent(ReadOnlyMemory<byte> bytes) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(bytes).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    private sealed class GatedContent(byte[] bytes, int at, Task gate, Action? reached) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(bytes.AsMemory(0, at));
            await stream.FlushAsync();
            reached?.Invoke();
            await gate;
            await stream.WriteAsync(bytes.AsMemory(at));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }
}
