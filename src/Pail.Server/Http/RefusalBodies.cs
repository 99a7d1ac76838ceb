using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Pail.Server.Errors;

namespace Pail.Server.Http;

/// <summary>
/// Gives the answers that Kestrel writes itself a body in the form of the specification: to a request line it can't read,
/// headers that are too large, ... Kestrel has no hook for them, and writes them whole, in one piece, as the last thing on a
/// connection. HTTP/1 only: HTTP/2 ends such streams with a code of its own.
/// </summary>
internal static class RefusalBodies
{
    private static ReadOnlySpan<byte> ApiVersion => "Docker-Distribution-Api-Version"u8;

    /// <summary>Adds it to a listener, behind TLS.</summary>
    public static void Use(ListenOptions listen) => listen.Use(next => async connection =>
    {
        var transport = connection.Transport;
        connection.Transport = new Pipes(transport.Input, new RefusalWriter(transport.Output));
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = transport;
        }
    });

    /// <summary>An answer of Kestrel's own with a body; null if the text is something else.</summary>
    internal static byte[]? Rewrite(ReadOnlySpan<byte> answer)
    {
        if (!answer.StartsWith("HTTP/1.1 4"u8) && !answer.StartsWith("HTTP/1.1 5"u8))
            return null;
        var empty = "\r\nContent-Length: 0\r\n"u8;
        var at = answer.IndexOf(empty);
        // All that goes through the pipeline has this header.
        if (at < 0 || !answer.EndsWith("\r\n\r\n"u8) || answer.IndexOf(ApiVersion) >= 0 || !int.TryParse(answer.Slice(9, 3), out var status))
            return null;
        var body = ErrorAnswers.Body(RegistryError.BadRequest.As(status));
        var headers = Encoding.ASCII.GetBytes($"\r\n{HeaderValues.ApiVersionName}: {HeaderValues.ApiVersion}\r\nContent-Type: {HeaderValues.Json}\r\nContent-Length: {body.Length}\r\n");
        return [.. answer[..at], .. headers, .. answer[(at + empty.Length)..], .. body.Span];
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class RefusalWriter(PipeWriter output) : PipeWriter
    {
        private Memory<byte> _piece;

        public override bool CanGetUnflushedBytes => output.CanGetUnflushedBytes;

        public override long UnflushedBytes => output.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => _piece = output.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override void Advance(int bytes)
        {
            if (Rewrite(_piece.Span[..bytes]) is { } whole && whole.Length <= _piece.Length)
            {
                whole.CopyTo(_piece.Span);
                bytes = whole.Length;
            }
            _piece = _piece[bytes..];
            output.Advance(bytes);
        }

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) => output.WriteAsync(source, cancellationToken);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => output.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => output.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => output.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => output.CompleteAsync(exception);
    }
}
