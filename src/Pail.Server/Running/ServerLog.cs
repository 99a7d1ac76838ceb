using System.Buffers;
using System.Text.Json;

namespace Pail.Server.Running;

/// <summary>What a request was, for its line in the log.</summary>
internal readonly record struct RequestLine(
    string Id, string Client, string Method, string Path, int Status, long? Bytes, double Milliseconds, bool Aborted, long? ClassA, long? ClassB);

/// <summary>
/// The log: one JSON object a line. Lines are gathered in memory and written by one task, so that no request waits for
/// whoever reads the log; if that is stuck, lines are dropped and counted rather than kept without bound.
/// </summary>
internal sealed class ServerLog : IAsyncDisposable
{
    private const int MaxWaiting = 4 << 20;

    // Paths and messages hold nothing that is ever put into a page; this keeps "+" and the like readable.
    private static readonly JsonWriterOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Stream _output;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _work = new(0, 1);
    private readonly Lock _lock = new();
    private readonly Task _writing;
    private ArrayBufferWriter<byte> _waiting = new();
    private Utf8JsonWriter _json;
    private long _dropped;
    private bool _ended;

    public ServerLog(Stream output, TimeProvider time)
    {
        (_output, _time) = (output, time);
        _json = new Utf8JsonWriter(_waiting, Plain);
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>A request that was answered, or broke off.</summary>
    public void Request(in RequestLine line)
    {
        lock (_lock)
        {
            if (!Begin("info", "request"))
                return;
            _json.WriteString("id", line.Id);
            _json.WriteString("client", line.Client);
            _json.WriteString("method", line.Method);
            _json.WriteString("path", line.Path);
            _json.WriteNumber("status", line.Status);
            if (line.Bytes is { } bytes)
                _json.WriteNumber("bytes", bytes);
            _json.WriteNumber("ms", Math.Round(line.Milliseconds, 3));
            if (line.Aborted)
                _json.WriteBoolean("aborted", true);
            if (line.ClassA is { } a)
                _json.WriteNumber("s3_a", a);
            if (line.ClassB is { } b)
                _json.WriteNumber("s3_b", b);
            End();
        }
    }

    /// <summary>Something that went wrong while a request was answered.</summary>
    public void Error(string id, string path, Exception error)
    {
        lock (_lock)
        {
            // What the bucket says needs no stack; what nobody thought of does.
            var known = error is PailException;
            if (!Begin(known ? "warning" : "error", known ? error.Message : error.ToString()))
                return;
            _json.WriteString("id", id);
            _json.WriteString("path", path);
            End();
        }
    }

    /// <summary>Something about the server itself.</summary>
    public void Event(string message)
    {
        lock (_lock)
            if (Begin("info", message))
                End();
    }

    /// <summary>Writes what waits, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
            _ended = true;
        Wake();
        await _writing;
        _work.Dispose();
        await _json.DisposeAsync();
    }

    private bool Begin(string level, string message)
    {
        if (_waiting.WrittenCount > MaxWaiting)
        {
            _dropped++;
            return false;
        }
        _json.Reset(_waiting);
        _json.WriteStartObject();
        _json.WriteString("time", _time.GetUtcNow().UtcDateTime);
        _json.WriteString("level", level);
        _json.WriteString("message", message);
        return true;
    }

    private void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        _waiting.Write("\n"u8);
        Wake();
    }

    private void Wake()
    {
        // Full means that the writer is about to look anyway.
        if (_work.CurrentCount == 0)
            try
            {
                _work.Release();
            }
            catch (SemaphoreFullException)
            {
            }
    }

    private async Task WriteAsync()
    {
        var spare = new ArrayBufferWriter<byte>();
        for (var ended = false; !ended;)
        {
            await _work.WaitAsync();
            long dropped;
            lock (_lock)
            {
                (spare, _waiting) = (_waiting, spare);
                (dropped, _dropped) = (_dropped, 0);
                ended = _ended;
            }
            try
            {
                await _output.WriteAsync(spare.WrittenMemory);
                await _output.FlushAsync();
            }
            catch (IOException)
            {
                // Nobody reads the log any more (a closed pipe). The registry goes on.
            }
            spare.ResetWrittenCount();
            if (dropped > 0)
                Event($"{dropped} lines were dropped: the log is not read fast enough");
        }
    }
}
