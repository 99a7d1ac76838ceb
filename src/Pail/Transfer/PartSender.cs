using System.Runtime.ExceptionServices;
using Pail.Io;
using Pail.Stores;

namespace Pail.Transfer;

/// <summary>The store's side of a multipart upload: begins it, sends parts in the background, completes or aborts it.</summary>
internal sealed class PartSender : IDisposable
{
    // An upload whose creation is under way when all is cancelled can only be aborted once its id is known.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AbortLimit = TimeSpan.FromSeconds(15);

    private readonly TransferEngine _engine;
    private readonly IObjectStore _store;
    private readonly string _key;
    private readonly ObjectHeaders _headers;
    private readonly IBlobProgress _progress;
    private readonly CancellationTokenSource _stop = new();
    private readonly SortedDictionary<int, UploadedPart> _parts = [];
    private readonly List<Task> _sends = [];
    private Task<UploadId>? _upload;
    private Exception? _failure;

    public PartSender(TransferEngine engine, IObjectStore store, string key, ObjectHeaders headers, IBlobProgress progress)
    {
        (_engine, _store, _key, _headers, _progress) = (engine, engine.Retrying(store), key, headers, progress);
        Stopped = _stop.Token;
    }

    /// <summary>Cancelled once a part failed for good, or the upload was aborted.</summary>
    public CancellationToken Stopped { get; }

    /// <summary>The parts that have arrived, in order.</summary>
    public IReadOnlyList<UploadedPart> Parts
    {
        get
        {
            lock (_parts)
                return [.. _parts.Values];
        }
    }

    public void Begin() => _upload ??= CreateAsync();

    public Task<UploadId> GetUploadAsync(CancellationToken cancel)
    {
        Begin();
        return _upload!.WaitAsync(cancel);
    }

    /// <summary>Sends a part in the background and then gives its memory back.</summary>
    public void Send(int number, long offset, PartBuffer buffer)
    {
        Begin();
        _sends.Add(SendAsync(number, buffer.Length, buffer, (upload, token) => _store.UploadPartAsync(upload, number, offset, buffer.Content, token)));
    }

    /// <summary>Lets the store make a part of a range of another object, in the background.</summary>
    public void Copy(int number, long offset, IServerSideCopy copier, string from, ByteRange range)
    {
        Begin();
        var length = range.Last!.Value - range.First + 1;
        _sends.Add(SendAsync(number, length, null, async (upload, token) =>
            await copier.CopyPartAsync(from, range, upload, number, offset, token) ?? throw new MissingObjectException($"{_store.Name}: {from}")));
    }

    public void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is { } failure)
            ExceptionDispatchInfo.Throw(failure);
    }

    public async Task WhenSentAsync(CancellationToken cancel)
    {
        await Task.WhenAll(_sends).WaitAsync(cancel);
        _sends.Clear();
        ThrowIfFailed();
    }

    /// <summary>Makes the object of the parts that have arrived.</summary>
    public async Task<string> CompleteAsync(CancellationToken cancel) => await _store.CompleteUploadAsync(await GetUploadAsync(cancel), Parts, cancel);

    public async Task AbortAsync()
    {
        await _stop.CancelAsync();
        var cut = _sends.Exists(send => !send.IsCompleted);
        await Task.WhenAll(_sends);
        if (_upload is null || await BegunAsync() is not { } upload)
            return;
        using var deadline = new CancellationTokenSource(AbortLimit, _engine.Retry.Time);
        try
        {
            await _engine.Retry.RunAsync(token => RemoveAsync(upload, cut, token), deadline.Token);
        }
        catch (OperationCanceledException error)
        {
            throw new StoreException(StoreError.Unavailable, $"{Name}: the store did not abort the upload within {AbortLimit.TotalSeconds:0} s.", error);
        }
    }

    public void Dispose() => _stop.Dispose();

    private string Name => $"{_store.Name}: {_key}";

    private async Task<UploadId> CreateAsync()
    {
        using var grace = new CancellationTokenSource();
        await using var stopping = Stopped.UnsafeRegister(_ => grace.CancelAfter(Grace), null);
        return new(_key, await _store.CreateUploadAsync(_key, _headers, grace.Token));
    }

    private async Task SendAsync(int number, long length, PartBuffer? buffer, Func<UploadId, CancellationToken, Task<string>> send)
    {
        using var _ = buffer;
        try
        {
            var upload = await _upload!;
            using var turn = await _engine.EnterAsync(Stopped);
            var etag = await send(upload, Stopped);
            lock (_parts)
                _parts[number] = new UploadedPart(number, etag, length);
            _progress.Advance(length);
        }
        catch (Exception error)
        {
            Interlocked.CompareExchange(ref _failure, error, null);
            await _stop.CancelAsync();
        }
    }

    private async Task<UploadId?> BegunAsync()
    {
        try
        {
            return await _upload!;
        }
        catch (Exception error) when (error is StoreException or OperationCanceledException)
        {
            return null;
        }
    }

    // A part whose request was cut off may still arrive after the abort; S3 says to look, and to abort again.
    private async Task RemoveAsync(UploadId upload, bool cut, CancellationToken cancel)
    {
        await _store.AbortUploadAsync(upload, cancel);
        if (cut && await _store.ListPartsAsync(upload, cancel) is { Count: > 0 })
            throw new StoreException(StoreError.Unavailable, $"{Name}: parts arrived after the upload was aborted.");
    }
}
