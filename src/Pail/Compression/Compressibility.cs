using System.IO.Compression;

namespace Pail.Compression;

/// <summary>
/// Whether bytes are worth compressing. What is compressed already, such as archives, pictures and packages within a layer, or
/// random, takes deflate longer than anything else and gives nothing: it is better stored.
/// </summary>
internal static class Compressibility
{
    private const int Samples = 16;
    private const int SampleSize = 4 << 10;
    private const int SampledSize = Samples * SampleSize;

    // The lowest that tells bytes apart by how often they come: level 1 has a fixed code.
    private const int ProbeLevel = 2;

    /// <summary>False if samples say that compressing saves less than a hundredth. The same bytes always get the same answer.</summary>
    public static bool IsWorthwhile(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < SampledSize)
            return true;
        Span<byte> samples = stackalloc byte[SampledSize];
        for (var n = 0; n < Samples; n++)
            bytes.Slice((int)((long)(bytes.Length - SampleSize) * n / (Samples - 1)), SampleSize).CopyTo(samples[(n * SampleSize)..]);
        return !IsEven(samples) || Compressed(samples) < SampledSize - (SampledSize / 100);
    }

    // True if all bytes come about equally often: the sum of the squares of their numbers is least then, and by chance 0.4 % more.
    // In whole numbers, as logarithms may differ from one machine to the next.
    private static bool IsEven(ReadOnlySpan<byte> samples)
    {
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        foreach (var value in samples)
            counts[value]++;
        var sum = 0L;
        foreach (var count in counts)
            sum += (long)count * count;
        return sum * 256 * 100 < (long)SampledSize * SampledSize * 102;
    }

    private static int Compressed(ReadOnlySpan<byte> samples)
    {
        using var output = new MemoryStream(SampledSize + (SampledSize / 8));
        using (var deflate = new DeflateStream(output, new ZLibCompressionOptions { CompressionLevel = ProbeLevel }, leaveOpen: true))
            deflate.Write(samples);
        return (int)output.Length;
    }
}
