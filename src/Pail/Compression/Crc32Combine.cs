namespace Pail.Compression;

/// <summary>
/// Joins CRC-32 values (RFC 1952, section 8) of adjacent stretches without seeing their bytes. A CRC is a polynomial over
/// GF(2) modulo P; bytes that follow multiply it by x to their number of bits. Bit 31 is the coefficient of x^0.
/// </summary>
internal static class Crc32Combine
{
    private const uint Polynomial = 0xEDB88320;
    private const uint One = 0x80000000;
    private const uint X = 0x40000000;

    /// <summary>The CRC of two stretches, one after the other.</summary>
    /// <param name="first">The CRC of the first.</param>
    /// <param name="second">The CRC of the second.</param>
    /// <param name="length">The length of the second in bytes.</param>
    public static uint Combine(uint first, uint second, long length) => Multiply(first, PowerOfX(8 * length)) ^ second;

    private static uint PowerOfX(long exponent)
    {
        var result = One;
        for (var power = X; exponent > 0; exponent >>= 1, power = Multiply(power, power))
            if ((exponent & 1) != 0)
                result = Multiply(result, power);
        return result;
    }

    private static uint Multiply(uint a, uint b)
    {
        var product = 0u;
        for (; a != 0; a <<= 1)
        {
            if ((a & One) != 0)
                product ^= b;
            b = (b & 1) != 0 ? (b >> 1) ^ Polynomial : b >> 1;
        }
        return product;
    }
}
