using System.Buffers.Binary;
using Pail.Io;
using Pail.Oci;

namespace Pail.Tests.Transfer;

/// <summary>Random bytes with their descriptor, and what may go wrong while they are read.</summary>
internal sealed class TestBlob
{
    public TestBlob(long size, int seed = 1, DigestAlgorithm algorithm = DigestAlgorithm.Sha256)
    {
        Bytes = new byte[size];
        Fill(Bytes, seed);
        Descriptor = new Descriptor(MediaTypes.OctetStream, Digest.Of(Bytes, algorithm), size);
    }

    public byte[] Bytes { get; }

    public Descriptor Descriptor { get; }

    /// <summary>The offsets it was opened at.</summary>
    public List<long> Opened { get; } = [];

    public BlobOpener Open => OpenOf(Bytes);

    /// <summary>Opens other bytes than the descriptor says.</summary>
    public BlobOpener OpenOf(byte[] bytes) => (offset, _) =>
    {
        lock (Opened)
            Opened.Add(offset);
        return Task.FromResult<Stream>(new MemoryStream(bytes, (int)offset, bytes.Length - (int)offset));
    };

    // Random(seed) is too slow for hundreds of MiB. This is splitmix64.
    private static void Fill(Span<byte> bytes, int seed)
    {
        var state = (ulong)seed << 32;
        Span<byte> word = stackalloc byte[8];
        for (; !bytes.IsEmpty; bytes = bytes[Math.Min(8, bytes.Length)..])
        {
            var z = state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            BinaryPrimitives.WriteUInt64LittleEndian(word, z ^ (z >> 31));
            word[..Math.Min(8, bytes.Length)].CopyTo(bytes);
        }
    }

    /// <summary>Fails unless these are its bytes from the offset on.</summary>
    public void AssertIs(byte[]? actual, int offset = 0) =>
        Assert.True(actual is not null && Bytes.AsSpan(offset).SequenceEqual(actual), $"other bytes: {actual?.Length} of {Bytes.Length - offset}");

    /// <summary>Opens a stream that breaks after so many bytes each time.</summary>
    public BlobOpener BreaksEvery(int bytes) => async (offset, cancel) => new BreakingStream(await Open(offset, cancel), bytes, new IOException("The connection broke."));
}

/// <summary>Gives some bytes and then an error, or the end if there is none.</summary>
internal sealed class BreakingStream(Stream inner, int bytes, Exception? error) : Io.ReadOnlyStream
{
    private int _left = bytes;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_left == 0)
            return error is null ? 0 : throw error;
        var read = await inner.ReadAsync(buffer[..Math.Min(buffer.Length, _left)], cancellationToken);
        _left -= read;
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        inner.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Adds up what it hears.</summary>
internal sealed class SumProgress : IBlobProgress
{
    private long _total;

    public long Total => Interlocked.Read(ref _total);

    public void Advance(long bytes) => Interlocked.Add(ref _total, bytes);

    public void Done(BlobOutcome outcome) => throw new InvalidOperationException("The engine does not say when all is done.");
}

/// <summary>Waits of up to a minute are over at once, and written down; longer ones never are.</summary>
internal sealed class HastyTime(TimeSpan? longest = null) : TimeProvider
{
    private readonly TimeSpan _longest = longest ?? TimeSpan.FromMinutes(1);

    public List<TimeSpan> Waits { get; } = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime < TimeSpan.Zero || dueTime > _longest)
            return System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        lock (Waits)
            Waits.Add(dueTime);
        return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}

/// <summary>Gives some bytes and then nothing until it is cancelled.</summary>
internal sealed class StallingStream(Stream inner, int bytes) : Io.ReadOnlyStream
{
    private int _left = bytes;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_left == 0)
            await Task.Delay(Timeout.Infinite, cancellationToken);
        var read = await inner.ReadAsync(buffer[..Math.Min(buffer.Length, _left)], cancellationToken);
        _left -= read;
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        inner.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Says how much was read.</summary>
internal sealed class CountingStream(Stream inner, Action<int> read) : Io.ReadOnlyStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        read(count);
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        inner.Dispose();
        base.Dispose(disposing);
    }
}
