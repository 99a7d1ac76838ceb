using System.Buffers;
using System.Security.Cryptography;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Transfer;

/// <summary>
/// A multipart upload being written, of known or unknown size: bytes are hashed and gathered in parts, full parts are sent
/// in the background, in parallel. Memory and connections are the engine's, so a slow store slows the writer down.
/// One caller at a time.
/// <para>
/// The upload begins at the store when the first part is sent. Until then all bytes are in <see cref="Unsent"/>,
/// and whoever finds them to be all there are may write them with one request, under any key, instead.
/// </para>
/// </summary>
internal sealed class MultipartWriter : IAsyncDisposable
{
    private readonly TransferEngine _engine;
    private readonly PartPlan _plan;
    private readonly PartSender _sender;
    private readonly IncrementalHash? _hash;
    private readonly DigestAlgorithm _algorithm;
    private PartBuffer? _current;
    private int _number = 1;
    private bool _entered;
    private bool _ended;

    private MultipartWriter(TransferEngine engine, PartPlan plan, PartSender sender, DigestAlgorithm algorithm, IncrementalHash? hash) =>
        (_engine, _plan, _sender, _algorithm, _hash) = (engine, plan, sender, algorithm, hash);

    /// <summary>How many bytes it has taken.</summary>
    public long Length { get; private set; }

    /// <summary>How many bytes there will be in all, if known: no more memory is taken than they need.</summary>
    public long? Expected { get; set; }

    /// <summary>True once parts were sent off.</summary>
    public bool IsStarted => _number > 1;

    /// <summary>The bytes taken that are in no part sent yet.</summary>
    public ReadOnlySequence<byte> Unsent => _current?.Content ?? ReadOnlySequence<byte>.Empty;

    /// <summary>Cancelled when a part can't be sent: further bytes would be in vain.</summary>
    public CancellationToken Failed => _sender.Stopped;

    /// <summary>The digest of all bytes taken so far; null if nobody hashes them here.</summary>
    public Digest? CurrentDigest => _hash is null ? null : Digest.FromHash(_algorithm, _hash.GetCurrentHash());

    /// <summary>Makes a writer. No request is made yet.</summary>
    /// <param name="engine">Whose memory and connections it uses.</param>
    /// <param name="store">Where to.</param>
    /// <param name="key">The key of the object.</param>
    /// <param name="headers">What goes with it.</param>
    /// <param name="plan">The sizes of the parts.</param>
    /// <param name="algorithm">How to hash the bytes; null to leave that to the caller.</param>
    /// <param name="progress">Hears of bytes that are safe in the store.</param>
    public static MultipartWriter Create(TransferEngine engine, IObjectStore store, string key, ObjectHeaders headers, PartPlan plan, DigestAlgorithm? algorithm, IBlobProgress progress) =>
        new(engine, plan, new PartSender(engine, store, key, headers, progress), algorithm ?? default, algorithm is { } known ? Digest.CreateHash(known) : null);

    /// <summary>Begins the upload at the store now, while the first part still fills: for who knows that one part will not do.</summary>
    public void Begin() => _sender.Begin();

    /// <summary>Bytes that are safe in the store.</summary>
    internal long Sent => _sender.Parts.Sum(part => part.Size);

    /// <summary>Room for the next bytes, never empty. Waits while too much memory is in use.</summary>
    public async ValueTask<Memory<byte>> GetMemoryAsync(CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        _sender.ThrowIfFailed();
        if (_current is { IsFull: true })
            SendCurrent();
        _current ??= await RentAsync(NextSize(), cancel);
        return _current.GetMemory();
    }

    /// <summary>So many bytes were put where <see cref="GetMemoryAsync"/> said.</summary>
    public void Advance(int bytes)
    {
        var written = _current!.GetMemory()[..bytes];
        _hash?.AppendData(written.Span);
        _current.Advance(bytes);
        Length += bytes;
    }

    /// <summary>Takes bytes.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        while (!bytes.IsEmpty)
        {
            var room = await GetMemoryAsync(cancel);
            var fits = Math.Min(room.Length, bytes.Length);
            bytes[..fits].CopyTo(room);
            Advance(fits);
            bytes = bytes[fits..];
        }
    }

    /// <summary>Takes bytes from a stream, without copying, until it ends or the limit is reached. Returns how many came.</summary>
    /// <param name="source">Where from.</param>
    /// <param name="limit">The most to take, in bytes.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<long> CopyFromAsync(Stream source, long limit, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, _sender.Stopped);
        var taken = 0L;
        try
        {
            while (taken < limit)
            {
                var room = await GetMemoryAsync(stop.Token);
                var read = await source.ReadAsync(room.Length > limit - taken ? room[..(int)(limit - taken)] : room, stop.Token);
                if (read == 0)
                    break;
                Advance(read);
                taken += read;
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            _sender.ThrowIfFailed();
            throw;
        }
        return taken;
    }

    /// <summary>Makes the object of all bytes taken. Returns its ETag, empty if the store did not say.</summary>
    /// <param name="expected">What they must be; null to take them as they are.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">They are not what was expected; the upload goes on until aborted.</exception>
    public async Task<string> CompleteAsync(Descriptor? expected, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (expected is not null)
            BlobMismatch.ThrowIfDifferent(expected, Length, _hash ?? throw new InvalidOperationException("The bytes were not hashed here."));
        // S3 wants at least one part; it may be empty.
        if (!IsStarted)
            _current ??= await RentAsync(0, cancel);
        if (_current is not null)
            SendCurrent();
        await _sender.WhenSentAsync(cancel);
        var etag = await _sender.CompleteAsync(cancel);
        _ended = true;
        Release();
        return etag;
    }

    /// <summary>Drops the upload and its parts at the store. Waits only so long, whatever was cancelled before.</summary>
    /// <exception cref="StoreException">The store did not answer in time: the parts may be there still.</exception>
    public async Task AbortAsync()
    {
        if (_ended)
            return;
        _ended = true;
        Release();
        await _sender.AbortAsync();
    }

    /// <summary>Drops the upload as <see cref="AbortAsync"/> does. False if the store did not answer: what is left takes space until it is swept.</summary>
    public async Task<bool> TryAbortAsync()
    {
        try
        {
            await AbortAsync();
            return true;
        }
        catch (StoreException)
        {
            return false;
        }
    }

    /// <summary>Aborts the upload unless it was completed.</summary>
    public async ValueTask DisposeAsync()
    {
        await AbortAsync();
        _hash?.Dispose();
        _sender.Dispose();
    }

    private long NextSize()
    {
        var size = _plan.SizeOf(_number, _engine.Buffers.Share);
        return Expected > Length ? Math.Min(size, Expected.Value - Length) : size;
    }

    private void SendCurrent()
    {
        _sender.Send(_number++, Length - _current!.Length, _current);
        _current = null;
    }

    private async ValueTask<PartBuffer> RentAsync(long size, CancellationToken cancel)
    {
        if (!_entered)
        {
            _entered = true;
            _engine.Buffers.EnterWriter();
        }
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, _sender.Stopped);
        try
        {
            return await _engine.Buffers.RentAsync(size, stop.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            _sender.ThrowIfFailed();
            throw;
        }
    }

    private void Release()
    {
        _current?.Dispose();
        _current = null;
        if (_entered)
            _engine.Buffers.LeaveWriter();
        _entered = false;
    }
}
