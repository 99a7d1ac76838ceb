using System.Buffers;
using System.Text;

namespace Pail.Tar;

/// <summary>
/// Names in a tar, which are bytes, as strings that lose none: UTF-8 is decoded, and each byte that is not UTF-8 becomes one lone
/// surrogate, U+DC80 to U+DCFF. Source: Python's PEP 383, "surrogateescape".
/// </summary>
internal static class TarText
{
    private const char Escape = '\uDC00';

    /// <summary>Returns the name that the bytes spell.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var isText = Rune.DecodeFromUtf8(bytes, out var rune, out var length) == OperationStatus.Done;
            if (isText)
                text.Append(rune);
            else
                foreach (var value in bytes[..length])
                    text.Append((char)(Escape + value));
            bytes = bytes[length..];
        }
        return text.ToString();
    }

    /// <summary>Returns the bytes of a name: exactly those it was decoded from.</summary>
    public static byte[] Encode(string name)
    {
        var bytes = new ArrayBufferWriter<byte>(name.Length + 8);
        for (var left = name.AsSpan(); !left.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(left, out var rune, out var length) == OperationStatus.Done)
                bytes.Advance(rune.EncodeToUtf8(bytes.GetSpan(4)));
            else
                bytes.Write([(byte)(left[0] - Escape)]);
            left = left[length..];
        }
        return bytes.WrittenSpan.ToArray();
    }
}
