namespace Pail.Stores;

/// <summary>
/// The order of keys: that of their UTF-8 bytes. UTF-16 sorts alike but for surrogates, which stand
/// for characters above all others yet have lower values than U+E000 to U+FFFF.
/// </summary>
internal sealed class KeyOrder : IComparer<string>
{
    /// <summary>The one comparer.</summary>
    public static KeyOrder Comparer { get; } = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
            return string.CompareOrdinal(x, y);
        var same = x.AsSpan().CommonPrefixLength(y);
        return same == x.Length || same == y.Length
            ? x.Length - y.Length
            : Rank(x[same]) - Rank(y[same]);
    }

    // Lifts surrogates above the rest. Where two keys differ in the low half of a pair, both are surrogates, and stay in order.
    private static int Rank(char c) => c >= 0xE000 ? c - 0x800 : char.IsSurrogate(c) ? c + 0x2000 : c;
}
