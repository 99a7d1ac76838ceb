using System.Globalization;
using System.Text;

namespace Pail.Tests.Kit.Proxy;

/// <summary>Reads lines and bodies off a connection.</summary>
internal sealed class HttpReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;

    /// <summary>The next line, without its end; null at the end of the stream.</summary>
    public async Task<string?> ReadLineAsync(CancellationToken cancel)
    {
        var line = new StringBuilder();
        do
        {
            var newline = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            line.Append(Encoding.Latin1.GetString(_buffer, _start, newline < 0 ? _end - _start : newline));
            _start = newline < 0 ? _end : _start + newline + 1;
            if (newline >= 0)
                return line.ToString().TrimEnd('\r');
        }
        while (await FillAsync(cancel));
        return line.Length == 0 ? null : throw new IOException("The connection ended within a line.");
    }

    /// <summary>Reads the body that follows a head, and hands on its bytes as they come over the wire, chunk framing included.</summary>
    /// <param name="head">The head before it.</param>
    /// <param name="isResponse">Without a length a response ends with the connection, and a request has no body.</param>
    /// <param name="write">Takes the bytes; false ends the reading.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task ReadBodyAsync(HttpHead head, bool isResponse, Func<ReadOnlyMemory<byte>, Task<bool>> write, CancellationToken cancel)
    {
        if (head.IsChunked)
            await ReadChunksAsync(write, cancel);
        else
            await ReadBytesAsync(head.ContentLength ?? (isResponse ? null : 0), write, cancel);
    }

    private async Task ReadChunksAsync(Func<ReadOnlyMemory<byte>, Task<bool>> write, CancellationToken cancel)
    {
        for (long size = -1; size != 0;)
        {
            var line = await LineAsync(cancel);
            size = long.Parse(line.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (!await write(Encoding.Latin1.GetBytes(line + "\r\n")) || !await ReadBytesAsync(size, write, cancel))
                return;
            // After the last chunk come trailers, if any, and an empty line; after any other only that.
            do
                line = await LineAsync(cancel);
            while (await write(Encoding.Latin1.GetBytes(line + "\r\n")) && line.Length > 0);
        }
    }

    // False if the taker wants no more.
    private async Task<bool> ReadBytesAsync(long? length, Func<ReadOnlyMemory<byte>, Task<bool>> write, CancellationToken cancel)
    {
        for (var left = length ?? long.MaxValue; left > 0;)
        {
            if (_start == _end && !await FillAsync(cancel))
                return length is null ? true : throw new IOException("The connection ended within a body.");
            var count = (int)Math.Min(left, _end - _start);
            var taken = await write(_buffer.AsMemory(_start, count));
            _start += count;
            left -= count;
            if (!taken)
                return false;
        }
        return true;
    }

    private async Task<string> LineAsync(CancellationToken cancel) =>
        await ReadLineAsync(cancel) ?? throw new IOException("The connection ended within a chunked body.");

    private async Task<bool> FillAsync(CancellationToken cancel)
    {
        _start = 0;
        _end = await stream.ReadAsync(_buffer, cancel);
        return _end > 0;
    }
}
