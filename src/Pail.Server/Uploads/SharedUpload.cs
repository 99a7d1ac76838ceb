using System.Buffers;
using System.Security.Cryptography;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Transfer;

namespace Pail.Server.Uploads;

/// <summary>
/// One upload of a blob that several clients may be sending at once. The bytes go to the bucket once: whoever has those
/// that come next adds them, everybody else's are hashed and dropped. So nobody waits for a slow client, and when one
/// breaks off, another goes on.
/// <list type="number">
/// <item>Who adds bytes must have sent the same as was written so far: that is checked when it takes over.</item>
/// <item>Each proves its own content: it is told of success only if its own bytes have the digest.</item>
/// <item>What is written is completed only if it has the digest.</item>
/// </list>
/// </summary>
/// <param name="digest">What the bytes shall be.</param>
/// <param name="writer">Takes them; not hashing, since that is done here. Owned by this.</param>
/// <param name="put">Writes all bytes by one request, if they are few.</param>
internal sealed class SharedUpload(Digest digest, MultipartWriter writer, Func<ReadOnlySequence<byte>, Task> put) : IAsyncDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly IncrementalHash _hash = Digest.CreateHash(digest.Algorithm);
    private Sender? _author;
    private Task? _outcome;
    private long _written;

    /// <summary>True once senders disagreed about the content.</summary>
    public bool IsDisputed { get; private set; }

    /// <summary>How many are sending; kept by <see cref="SharedUploads"/>.</summary>
    public int Senders { get; set; }

    /// <summary>The next bytes of a sender.</summary>
    public async Task AddAsync(Sender sender, ReadOnlySequence<byte> bytes, CancellationToken cancel)
    {
        for (var rest = SkipWritten(sender, bytes); !rest.IsEmpty; rest = SkipWritten(sender, rest))
            rest = rest.Slice(await WriteAsync(sender, rest, cancel));
    }

    /// <summary>A sender has sent all.</summary>
    /// <exception cref="RegistryException">Its bytes are not the blob's, or those of others were not.</exception>
    public async Task FinishAsync(Sender sender, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            if (Digest.FromHash(digest.Algorithm, (sender.Own ?? _hash).GetCurrentHash()) != digest)
                throw new RegistryException(RegistryError.DigestInvalid.About(digest.ToString()));
            if (_outcome is null && (_written != sender.Position || Digest.FromHash(digest.Algorithm, _hash.GetCurrentHash()) != digest))
                throw Disputed();
            _outcome ??= CompleteAsync();
        }
        finally
        {
            _turn.Release();
        }
        // Not cancelled with one who waits for it: the others want it too.
        await _outcome.WaitAsync(cancel);
    }

    /// <summary>Aborts the upload if it was not completed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_outcome is not null)
            await _outcome.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await writer.TryAbortAsync();
        await writer.DisposeAsync();
        _hash.Dispose();
        _turn.Dispose();
    }

    private async Task CompleteAsync()
    {
        if (writer.IsStarted)
            await writer.CompleteAsync(expected: null, CancellationToken.None);
        else
            await put(writer.Unsent);
    }

    // What was written already, by another, is only hashed.
    private ReadOnlySequence<byte> SkipWritten(Sender sender, ReadOnlySequence<byte> bytes)
    {
        var skipped = Math.Min(bytes.Length, Volatile.Read(ref _written) - sender.Position);
        if (skipped == 0)
            return bytes;
        if (writer.Failed.IsCancellationRequested)
            throw new RegistryException(RegistryError.Unavailable);
        // Only one who wrote the last bytes has no hash of its own, and then there are none to skip.
        foreach (var segment in bytes.Slice(0, skipped))
            sender.Own!.AppendData(segment.Span);
        sender.Position += skipped;
        return bytes.Slice(skipped);
    }

    private async Task<long> WriteAsync(Sender sender, ReadOnlySequence<byte> bytes, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            if (sender.Position != _written)
                return 0; // another was faster
            if (_outcome is not null)
                throw new RegistryException(RegistryError.DigestInvalid.About("more bytes came than the blob has"));
            if (sender.Own is not null)
                TakeOver(sender);
            var room = await writer.GetMemoryAsync(cancel);
            bytes = bytes.Slice(0, Math.Min(room.Length, bytes.Length));
            bytes.CopyTo(room.Span);
            _hash.AppendData(room.Span[..(int)bytes.Length]);
            writer.Advance((int)bytes.Length);
            sender.Position += bytes.Length;
            Volatile.Write(ref _written, sender.Position);
            return bytes.Length;
        }
        finally
        {
            _turn.Release();
        }
    }

    private void TakeOver(Sender sender)
    {
        if (!sender.Own!.GetCurrentHash().AsSpan().SequenceEqual(_hash.GetCurrentHash()))
            throw Disputed();
        if (_author is { Own: null } author)
            author.Own = _hash.Clone();
        sender.Own.Dispose();
        sender.Own = null;
        _author = sender;
    }

    // Somebody sent other bytes than the digest's. Who is told to come again begins anew: see SharedUploads.
    private RegistryException Disputed()
    {
        IsDisputed = true;
        return new(RegistryError.Unavailable.About("another upload of this blob at the same time had other bytes"));
    }

    /// <summary>One who sends the blob.</summary>
    internal sealed class Sender(DigestAlgorithm algorithm) : IDisposable
    {
        /// <summary>How many bytes it has sent.</summary>
        public long Position { get; set; }

        /// <summary>The hash of what it has sent; null while that is exactly what was written.</summary>
        public IncrementalHash? Own { get; set; } = Digest.CreateHash(algorithm);

        public void Dispose() => Own?.Dispose();
    }
}
