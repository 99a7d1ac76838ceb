using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Pail.Server.Running;

/// <summary>
/// Logs to a stream, one <see cref="JsonLogLine"/> or <see cref="TextLogLine"/> an entry. One task writes what gathered meanwhile, so that requests wait
/// for the stream only if 4 MiB are unwritten; no line is dropped. If the stream breaks, as a closed pipe does, logging ends
/// and the server goes on.
/// </summary>
internal sealed class StreamLog : ILoggerProvider
{
    private const int MaxWaiting = 4 << 20;

    private readonly Stream _output;
    private readonly LogFormat _format;
    private readonly TimeProvider _time;
    private readonly object _lock = new();
    private readonly Task _writing;
    private ArrayBufferWriter<byte> _waiting = new();
    private readonly Utf8JsonWriter _json;
    private bool _ended;

    /// <summary>Logs to a stream, which the caller keeps open until this is disposed.</summary>
    public StreamLog(Stream output, LogFormat format, TimeProvider time)
    {
        (_output, _format, _time) = (output, format, time);
        _json = JsonLogLine.NewWriter(_waiting);
        _writing = Task.Factory.StartNew(WriteAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <summary>Writes what waits, and ends.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _ended = true;
            Monitor.PulseAll(_lock);
        }
        _writing.GetAwaiter().GetResult();
        _json.Dispose();
    }

    private void Add<TState>(LogLevel level, string category, TState state, Exception? error, Func<TState, Exception?, string> format)
    {
        lock (_lock)
        {
            while (_waiting.WrittenCount > MaxWaiting && !_ended)
                Monitor.Wait(_lock);
            if (_ended)
                return;
            var now = _time.GetUtcNow().UtcDateTime;
            if (_format == LogFormat.Json)
                JsonLogLine.Write(_json, _waiting, now, level, category, state, error, format);
            else
                TextLogLine.Write(_waiting, now, level, category, state, error, format);
            Monitor.PulseAll(_lock);
        }
    }

    private void WriteAll()
    {
        var spare = new ArrayBufferWriter<byte>();
        for (var ended = false; !ended;)
        {
            lock (_lock)
            {
                while (_waiting.WrittenCount == 0 && !_ended)
                    Monitor.Wait(_lock);
                (spare, _waiting) = (_waiting, spare);
                ended = _ended;
                Monitor.PulseAll(_lock);
            }
            try
            {
                _output.Write(spare.WrittenSpan);
                _output.Flush();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                lock (_lock)
                {
                    ended = _ended = true;
                    Monitor.PulseAll(_lock);
                }
            }
            spare.ResetWrittenCount();
        }
    }

    private sealed class Category(StreamLog log, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && !Volatile.Read(ref log._ended);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Add(logLevel, name, state, exception, formatter);
    }
}
