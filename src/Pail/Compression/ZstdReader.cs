using Pail.Io;

namespace Pail.Compression;

/// <summary>Reads Zstandard, one frame or several. Memory is bounded by the largest window taken, whatever a frame asks for.</summary>
/// <param name="inner">The compressed bytes; disposed with this.</param>
internal sealed class ZstdReader(Stream inner) : ReadOnlyStream
{
    // 128 MiB, zstd's own bound for streams.
    private const int LargestWindowLog = 27;

    private readonly byte[] _input = new byte[128 << 10];
    private nint _context;
    private int _position;
    private int _length;
    private bool _inFrame;

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">It is no Zstandard, or ends in the middle.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            if (_position == _length)
            {
                (_position, _length) = (0, await inner.ReadAsync(_input, cancellationToken));
                // A frame that ends where the input did may still have bytes to give.
                if (_length == 0 && !_inFrame)
                    return 0;
            }
            var ended = _length == 0;
            var made = Run(buffer.Span);
            if (made > 0)
                return made;
            if (ended)
                throw new InvalidDataException("zstd: it ends in the middle of a frame");
        }
        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (_context != 0)
            _ = ZstdLibrary.FreeDecompressor(_context);
        _context = 0;
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    private unsafe int Run(Span<byte> output)
    {
        if (_context == 0)
        {
            ZstdLibrary.Require();
            _context = ZstdLibrary.CreateDecompressor();
            ZstdLibrary.Check(ZstdLibrary.SetDecompressor(_context, ZstdLibrary.WindowLogMax, LargestWindowLog));
        }
        fixed (byte* from = _input, to = output)
        {
            var source = new ZstdLibrary.Buffer { Bytes = from, Size = (nuint)_length, Position = (nuint)_position };
            var destination = new ZstdLibrary.Buffer { Bytes = to, Size = (nuint)output.Length };
            _inFrame = ZstdLibrary.Check(ZstdLibrary.Decompress(_context, &destination, &source)) != 0;
            _position = (int)source.Position;
            return (int)destination.Position;
        }
    }
}
