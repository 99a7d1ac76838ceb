using System.Buffers.Binary;
using System.IO.Compression;

namespace Pail.Compression;

/// <summary>
/// A stretch of input compressed by itself, on any core, to whole bytes of deflate data that others can follow.
/// The runtime's gzip does the work and the CRC; of what it writes, the header, the end-of-stream mark and the trailer are left out.
/// </summary>
internal sealed class GzipBlock(int size, int level)
{
    private const int HeaderLength = 10;
    private const int TrailerLength = 8;

    // The worst that deflate does to a byte: a literal of nine bits in the fixed code. Stored blocks grow far less.
    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(size + (size / 8) + 1024);
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(size);
    private int _end;

    /// <summary>How many bytes of input it holds.</summary>
    public int Length { get; private set; }

    /// <summary>The input it holds.</summary>
    public ReadOnlyMemory<byte> Input => _input.AsMemory(0, Length);

    /// <summary>The compressed bytes.</summary>
    public ReadOnlyMemory<byte> Output => _output.AsMemory(HeaderLength, _end - HeaderLength);

    /// <summary>The CRC-32 of the input.</summary>
    public uint Crc { get; private set; }

    /// <summary>Takes input until it is full or the source ends.</summary>
    public async Task FillAsync(Stream source, CancellationToken cancel) =>
        Length = await source.ReadAtLeastAsync(_input, _input.Length, throwOnEndOfStream: false, cancel);

    /// <summary>Compresses the input, or stores it as it is where that gives nothing.</summary>
    public void Compress()
    {
        using var output = new MemoryStream(_output);
        using (var gzip = new GZipStream(output, new ZLibCompressionOptions { CompressionLevel = Compressibility.IsWorthwhile(Input.Span) ? level : 0 }, leaveOpen: true))
        {
            gzip.Write(Input.Span);
            gzip.Flush();
            _end = (int)output.Position;
        }
        var written = _output.AsSpan(0, (int)output.Position);
        // RFC 1952: no optional fields follow the header. RFC 1951: a flush ends with an empty stored block.
        if (written[3] != 0 || !written[.._end].EndsWith((ReadOnlySpan<byte>)[0x00, 0x00, 0xFF, 0xFF]))
            throw new InvalidOperationException("The runtime's gzip stream is not laid out as expected.");
        Crc = BinaryPrimitives.ReadUInt32LittleEndian(written[^TrailerLength..]);
    }
}
