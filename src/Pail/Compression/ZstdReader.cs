using Pail.Io;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Pail.Compression;

/// <summary>Reads Zstandard, one frame or several, without libzstd. Memory is bounded by the largest window taken, whatever a frame asks for.</summary>
internal sealed class ZstdReader : ReadOnlyStream
{
    // 128 MiB, zstd's own bound for streams.
    private const int LargestWindowLog = 27;

    private const int InputSize = 128 << 10;

    private readonly DecompressionStream _frames;

    /// <summary>Reads what is compressed in a stream, which is disposed with this.</summary>
    public ZstdReader(Stream inner)
    {
        var decompressor = new Decompressor();
        decompressor.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, LargestWindowLog);
        _frames = new DecompressionStream(inner, decompressor, InputSize, checkEndOfStream: true, preserveDecompressor: false, leaveOpen: false);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">It is no Zstandard, or ends in the middle.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return buffer.IsEmpty ? 0 : await _frames.ReadAsync(buffer, cancellationToken);
        }
        catch (ZstdException e)
        {
            throw new InvalidDataException($"zstd: {e.Message}", e);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("zstd: it ends in the middle of a frame", e);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _frames.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _frames.DisposeAsync();
        await base.DisposeAsync();
    }
}
