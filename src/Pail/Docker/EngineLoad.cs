using System.Runtime.ExceptionServices;
using System.Text;
using System.Text.Json;
using Pail.Io;
using Pail.Oci;
using Pail.Tar;

namespace Pail.Docker;

/// <summary>An image on its way into an engine: a tar, its files written one after the other as they come.</summary>
/// <remarks>The engine acts only on a whole tar. Disposed before the end, the connection breaks and nothing is loaded.</remarks>
internal sealed class EngineLoad(DockerEngine engine) : IAsyncDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly TarUpload _upload = new();
    private readonly HashSet<string> _written = [];
    private Task<byte[]>? _answer;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Writes a file, when its turn comes: <paramref name="write"/> must write exactly its bytes. If that fails, the whole has failed.</summary>
    /// <returns>False if it was written before.</returns>
    public async Task<bool> WriteAsync(string path, long size, Func<Stream, Task> write, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            _failure?.Throw();
            if (!_written.Add(path))
                return false;
            var tar = await BeginAsync();
            await tar.WriteAsync(TarBlock.ForFile(path, size), cancel);
            await write(tar);
            await tar.WriteAsync(new byte[TarBlock.Padding(size)], cancel);
            return true;
        }
        catch (Exception e)
        {
            // Within a file there is no way back; whoever waits for a turn hears the same.
            _failure ??= ExceptionDispatchInfo.Capture(e);
            _upload.Break(e);
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Ends the tar and waits until the engine has loaded it.</summary>
    /// <exception cref="PailException">It could not.</exception>
    public async Task FinishAsync(CancellationToken cancel)
    {
        var tar = await BeginAsync();
        await tar.WriteAsync(new byte[2 * TarBlock.Size], cancel);
        _upload.Complete();
        if (ErrorIn(await _answer!.WaitAsync(cancel)) is { } error)
            throw new PailException(Failure.Unavailable, $"Docker could not load the image: {SafeText.OneLine(error, 400)}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _upload.Break(new OperationCanceledException("The image was not sent to its end."));
        await _stop.CancelAsync();
        if (_answer is not null)
            await ((Task)_answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _upload.Dispose();
        _turn.Dispose();
    }

    private async Task<Stream> BeginAsync()
    {
        _answer ??= engine.LoadAsync(_upload, _stop.Token);
        // The request may fail before it takes any bytes; an answer without having read them is a failure, too.
        if (await Task.WhenAny(_upload.Begun, _answer) == _answer)
            await _answer;
        return new Body(await _upload.Begun);
    }

    // Status 200 came before the work was done: errors are among the values that follow, {"error": "..."}.
    private static string? ErrorIn(byte[] answer)
    {
        try
        {
            var reader = new Utf8JsonReader(answer, new JsonReaderOptions { AllowMultipleValues = true });
            while (reader.Read())
            {
                using var value = JsonDocument.ParseValue(ref reader);
                if (value.RootElement.ValueKind == JsonValueKind.Object && value.RootElement.TryGetProperty("error", out var error))
                    return error.ToString();
            }
            return null;
        }
        catch (JsonException)
        {
            // Plain words, of an old engine or another one. What counts is what it has then.
            return Encoding.UTF8.GetString(answer) is var text && text.StartsWith("Loaded image", StringComparison.Ordinal) ? null : text;
        }
    }

    private sealed class Body(Stream request) : WriteOnlyStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await request.WriteAsync(buffer, cancellationToken);
            }
            catch (IOException e)
            {
                throw new PailException(Failure.Unavailable, $"Docker broke off while it was being sent the image; its log says why. ({SafeText.OneLine(e.Message)})", e);
            }
        }
    }
}
