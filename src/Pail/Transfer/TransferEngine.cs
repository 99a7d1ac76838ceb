using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Telemetry;

namespace Pail.Transfer;

/// <summary>
/// Moves blobs to and from buckets, in parallel parts and in one pass. One engine serves a whole process: it bounds the
/// memory of all parts in flight (<see cref="Buffers"/>) and how many move at once (<see cref="TransferOptions.Connections"/>).
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to release.")]
internal sealed class TransferEngine
{
    private readonly SemaphoreSlim _connections;

    /// <summary>Makes an engine.</summary>
    /// <param name="options">How much it may use.</param>
    /// <param name="time">The clock that waits go by; null for the system's.</param>
    public TransferEngine(TransferOptions options, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Connections, 1);
        Options = options;
        Retry = new Retry(options.Retry, time);
        Buffers = new BufferPool(options.MemoryLimit, options.KeepMemory, time);
        _connections = new SemaphoreSlim(options.Connections);
    }

    /// <summary>How much it may use.</summary>
    public TransferOptions Options { get; }

    /// <summary>How it tries failed requests again.</summary>
    public Retry Retry { get; }

    /// <summary>The memory of all parts in flight.</summary>
    public BufferPool Buffers { get; }

    /// <summary>
    /// Writes a blob of known digest and size. Small ones take one request, larger ones a multipart upload; the object
    /// appears only if size and digest are right. A part that fails is sent again from memory; a source that breaks is
    /// opened again where it broke. What fails or is cancelled leaves no upload behind.
    /// </summary>
    /// <param name="store">Where to.</param>
    /// <param name="key">The key of the object.</param>
    /// <param name="headers">What goes with it; the checksum is added here.</param>
    /// <param name="blob">What the bytes must be.</param>
    /// <param name="open">Opens the bytes. They must come without waiting for another blob of the same engine.</param>
    /// <param name="progress">Hears of bytes that are safe in the store; the caller says when all is done.</param>
    /// <param name="cancel">Interrupts it; the upload is then aborted before this returns.</param>
    /// <exception cref="PailException">The bytes differ from the descriptor (<see cref="Failure.BadContent"/>), or the store or the source failed.</exception>
    public Task UploadAsync(IObjectStore store, string key, ObjectHeaders headers, Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel) =>
        new BlobUpload(this, Retrying(store), key, headers, blob, open, progress).RunAsync(cancel);

    /// <summary>True if a blob of this size in bytes is written by one request, false if in parts.</summary>
    public bool IsWrittenWhole(long size) => size <= Math.Min(Options.SinglePutLimit, Buffers.Limit / 2);

    /// <summary>Begins to write an object of bytes that come as they come, hashed by the caller. No request is made before a part is full, unless more than one is expected.</summary>
    /// <param name="store">Where to.</param>
    /// <param name="key">The key of the object.</param>
    /// <param name="headers">What goes with it.</param>
    /// <param name="length">How many bytes come, if that is known.</param>
    public MultipartWriter BeginWriter(IObjectStore store, string key, ObjectHeaders headers, long? length)
    {
        var writer = MultipartWriter.Create(this, store, key, headers, PartPlan.Streamed(store, length, Options.MemoryLimit), algorithm: null, NoProgress.Instance);
        writer.Expected = length;
        if (length is { } known && !IsWrittenWhole(known))
            writer.Begin();
        return writer;
    }

    /// <summary>Writes an object that is in memory by one request, made again where that may help.</summary>
    /// <param name="store">Where to.</param>
    /// <param name="key">The key of the object.</param>
    /// <param name="body">All of it; not to change until this returns.</param>
    /// <param name="headers">What goes with it.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task PutAsync(IObjectStore store, string key, ReadOnlySequence<byte> body, ObjectHeaders headers, CancellationToken cancel)
    {
        using var turn = await EnterAsync(cancel);
        await Retrying(store).PutAsync(key, body, headers, PutCondition.None, cancel);
    }

    /// <summary>
    /// Lets the store make an object of others, in order. One request for a single one of moderate size, else a
    /// multipart upload of ranges copied in parallel. No bytes come through here.
    /// </summary>
    /// <param name="store">Where.</param>
    /// <param name="copier">The same store.</param>
    /// <param name="sources">The objects and their sizes in bytes; all but the last of several must have 5 MiB.</param>
    /// <param name="to">The key of the object made.</param>
    /// <param name="headers">What goes with it.</param>
    /// <param name="cancel">Interrupts it; what was begun is then aborted before this returns.</param>
    /// <returns>False if a source is not there.</returns>
    public Task<bool> CopyAsync(IObjectStore store, IServerSideCopy copier, IReadOnlyList<(string Key, long Size)> sources, string to, ObjectHeaders headers, CancellationToken cancel) =>
        new ServerSideCopy(this, Retrying(store), RetryingCopy.Over(copier, Retry), sources, to, headers).RunAsync(cancel);

    /// <summary>
    /// Reads an object from an offset on, in order, by ranged requests running ahead of the reader in parallel; one that
    /// fits a part takes exactly one request, made at the first read. Each range goes on where it broke. Reading throws
    /// if the object is not there, has another size, or changes meanwhile. Disposing it early ends all requests.
    /// </summary>
    /// <remarks>
    /// Ranges go to memory over the engine's connections. When no memory is free the stream reads over one
    /// connection of its own, beyond that count, so that it never waits for whoever consumes it.
    /// </remarks>
    /// <param name="store">Where from.</param>
    /// <param name="key">The key of the object.</param>
    /// <param name="size">The size of the whole object in bytes.</param>
    /// <param name="offset">Where to begin, from 0 to the size.</param>
    public Stream OpenRead(IObjectStore store, string key, long size, long offset = 0)
    {
        // What breaks is taken up again here, under the checks of the whole.
        var once = Retrying(store).Once;
        return OpenRead((range, cancel) => once.GetAsync(key, range, cancel), $"{store.Name}: {key}", size, offset);
    }

    /// <summary>The same for what is no object of a store, but can be read in ranges.</summary>
    /// <param name="open">Opens a range; each call makes one request.</param>
    /// <param name="name">What it is, for messages.</param>
    /// <param name="size">The size of the whole in bytes.</param>
    /// <param name="offset">Where to begin, from 0 to the size.</param>
    public Stream OpenRead(RangeOpener open, string name, long size, long offset = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, size);
        return new RangedReader(this, new RangedObject(open, name, size, Retry), offset);
    }

    /// <summary>The store with its requests made again where that may help.</summary>
    internal RetryingStore Retrying(IObjectStore store) => RetryingStore.Over(store, Retry);

    /// <summary>Waits for its turn to make a request that moves a part. Only who will not wait for anybody else may hold it.</summary>
    internal async ValueTask<Turn> EnterAsync(CancellationToken cancel)
    {
        if (!_connections.Wait(0, cancel))
            using (PailTelemetry.Begin("wait for a connection"))
                await _connections.WaitAsync(cancel);
        return new Turn(_connections);
    }

    internal readonly struct Turn(SemaphoreSlim connections) : IDisposable
    {
        public void Dispose() => connections.Release();
    }
}
