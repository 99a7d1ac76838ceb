using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Pail.Server.Http;

/// <summary>Memory for what sockets bring and take, in blocks eight times Kestrel's own 4 KiB: a layer comes in an eighth of the system calls.</summary>
internal sealed class SocketBlocks : MemoryPool<byte>
{
    private const int BlockSize = 32 << 10;

    // 16 MiB: what a few hundred busy connections need. Beyond that, blocks are left to the collector.
    private const int MostKept = 512;

    private readonly ConcurrentQueue<Block> _free = [];

    public override int MaxBufferSize => BlockSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
        return _free.TryDequeue(out var block) ? block : new Block(this);
    }

    protected override void Dispose(bool disposing) => _free.Clear();

    /// <summary>Gives each of Kestrel's listeners a pool.</summary>
    public sealed class Factory : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new SocketBlocks();
    }

    // Pinned from the start, so that no collection has to work around it while the system writes into it.
    private sealed class Block(SocketBlocks pool) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = GC.AllocateUninitializedArray<byte>(BlockSize, pinned: true);

        public void Dispose()
        {
            if (pool._free.Count < MostKept)
                pool._free.Enqueue(this);
        }
    }
}
