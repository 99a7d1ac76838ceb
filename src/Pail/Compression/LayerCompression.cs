using System.Globalization;
using System.IO.Compression;
using Pail.Oci;
using Pail.Telemetry;

namespace Pail.Compression;

/// <summary>How a layer is compressed.</summary>
public enum CompressionKind
{
    /// <summary>Not at all: a tar.</summary>
    None,

    /// <summary>Gzip, which every client reads.</summary>
    Gzip,

    /// <summary>Zstandard, RFC 8878.</summary>
    Zstd,
}

/// <summary>How layers are to be compressed. The same bytes, compressed so, always give the same bytes.</summary>
public sealed record LayerCompression
{
    private LayerCompression(CompressionKind kind, int level) => (Kind, Level) = (kind, level);

    /// <summary>What is used where nothing is asked for.</summary>
    public static LayerCompression Default { get; } = new(CompressionKind.Gzip, ParallelGzip.DefaultLevel);

    /// <summary>As it is.</summary>
    public static LayerCompression None { get; } = new(CompressionKind.None, 0);

    /// <summary>By what.</summary>
    public CompressionKind Kind { get; }

    /// <summary>How hard; 0 where there are no levels.</summary>
    public int Level { get; }

    /// <summary>The type of a layer compressed so. Source: OCI image-spec, layer.md.</summary>
    internal string MediaType => MediaTypeOf(Kind);

    /// <summary>The type of a layer that is compressed by this, at whatever level.</summary>
    internal static string MediaTypeOf(CompressionKind kind) => kind switch
    {
        CompressionKind.Gzip => MediaTypes.OciLayerGzip,
        CompressionKind.Zstd => MediaTypes.OciLayerZstd,
        _ => MediaTypes.OciLayerTar,
    };

    /// <summary>Reads <c>gzip[:1-9]</c>, <c>zstd[:1-19]</c> or <c>none</c>.</summary>
    /// <exception cref="FormatException">It is none of them.</exception>
    public static LayerCompression Parse(string text)
    {
        var (name, level) = text.Split(':', 2) is [var before, var after] ? (before, after) : (text, null);
        return (name, level) switch
        {
            ("none", null) => None,
            ("gzip", null) => Default,
            ("gzip", _) => new(CompressionKind.Gzip, Number(text, level, 9)),
            ("zstd", null) => new(CompressionKind.Zstd, ParallelZstd.DefaultLevel),
            ("zstd", _) => new(CompressionKind.Zstd, Number(text, level, ParallelZstd.MaxLevel)),
            _ => throw Bad(text),
        };
    }

    /// <summary>Compresses all of a stream; both stay open.</summary>
    internal async Task<CompressionResult> CompressAsync(Stream source, Stream destination, CancellationToken cancel)
    {
        using var span = PailTelemetry.Begin("compress layer")?.SetTag("pail.compression", ToString());
        var made = await (Kind switch
        {
            CompressionKind.Gzip => ParallelGzip.CompressAsync(source, destination, Level, cancel),
            CompressionKind.Zstd => ParallelZstd.CompressAsync(source, destination, Level, cancel),
            _ => CopyAsync(source, destination, cancel),
        });
        span?.SetTag("pail.size", made.UncompressedSize).SetTag("pail.compressed_size", made.CompressedSize);
        return made;
    }

    /// <summary>What is compressed so, as it was; the stream is disposed with the one returned.</summary>
    internal static Stream Decompress(Stream stream, CompressionKind kind) => kind switch
    {
        CompressionKind.Gzip => new GZipStream(stream, CompressionMode.Decompress),
        CompressionKind.Zstd => new ZstdReader(stream),
        _ => stream,
    };

    /// <summary>How a layer of that type is compressed; null for what is no layer, or one nobody may change.</summary>
    internal static CompressionKind? KindOf(string mediaType) => mediaType switch
    {
        MediaTypes.OciLayerTar or MediaTypes.DockerLayerTar => CompressionKind.None,
        MediaTypes.OciLayerGzip or MediaTypes.DockerLayerGzip => CompressionKind.Gzip,
        MediaTypes.OciLayerZstd or MediaTypes.DockerLayerZstd => CompressionKind.Zstd,
        _ => null,
    };

    /// <summary>How bytes that begin so are compressed: gzip and zstd have their marks.</summary>
    internal static CompressionKind KindOf(ReadOnlySpan<byte> head) => head switch
    {
        [0x1F, 0x8B, ..] => CompressionKind.Gzip,
        [0x28, 0xB5, 0x2F, 0xFD, ..] => CompressionKind.Zstd,
        // A skippable frame, which may stand before others.
        [>= 0x50 and <= 0x5F, 0x2A, 0x4D, 0x18, ..] => CompressionKind.Zstd,
        _ => CompressionKind.None,
    };

    /// <summary>True if all layers are compressed by this, whatever the level.</summary>
    internal bool Fits(Manifest manifest) => manifest.Layers.All(layer => KindOf(layer.MediaType) is not { } kind || kind == Kind);

    /// <summary>As it is written on a command line.</summary>
    public override string ToString() => Kind switch
    {
        CompressionKind.Gzip => $"gzip:{Level}",
        CompressionKind.Zstd => $"zstd:{Level}",
        _ => "none",
    };

    private static async Task<CompressionResult> CopyAsync(Stream source, Stream destination, CancellationToken cancel)
    {
        using var output = new HashingWriter(destination);
        var buffer = new byte[256 << 10];
        for (int read; (read = await source.ReadAsync(buffer, cancel)) > 0;)
            await output.WriteAsync(buffer.AsMemory(0, read), cancel);
        return new(output.Digest, output.Length, output.Digest, output.Length);
    }

    private static int Number(string text, string level, int most) =>
        int.TryParse(level, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most ? number : throw Bad(text);

    private static FormatException Bad(string text) =>
        new($"'{SafeText.OneLine(text)}' is no compression: gzip, gzip:1 to gzip:9, zstd, zstd:1 to zstd:{ParallelZstd.MaxLevel}, or none is expected.");
}
