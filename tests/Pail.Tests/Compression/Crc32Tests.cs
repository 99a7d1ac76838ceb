using FsCheck;
using FsCheck.Fluent;
using Pail.Compression;

namespace Pail.Tests.Compression;

public sealed class Crc32Tests
{
    [Fact]
    public void Combine_KnownContentInTwo_IsTheKnownValue()
    {
        // The check value of CRC-32/ISO-HDLC.
        Assert.Equal(0xCBF43926, Naive("123456789"u8));
        for (var cut = 0; cut <= 9; cut++)
            Assert.Equal(0xCBF43926, Crc32Combine.Combine(Naive("123456789"u8[..cut]), Naive("123456789"u8[cut..]), 9 - cut));
    }

    [Fact]
    public void Combine_AnyTwo_IsTheValueOfTheWhole() => Prop.ForAll<byte[], byte[]>((first, second) =>
    {
        first ??= [];
        second ??= [];
        return Crc32Combine.Combine(Naive(first), Naive(second), second.Length) == Naive([.. first, .. second]);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Combine_LongStretches_IsTheValueOfTheWhole()
    {
        var zeros = new byte[3 << 20];
        Assert.Equal(Naive([1, .. zeros]), Crc32Combine.Combine(Naive([1]), Naive(zeros), zeros.Length));
    }

    // RFC 1952, section 8, bit by bit.
    private static uint Naive(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }
        return ~crc;
    }
}
