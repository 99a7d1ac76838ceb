using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Pail.Tar;

/// <summary>What a pax header says of the entry after it. Source: POSIX pax, "pax Extended Header".</summary>
/// <param name="Path">The entry's name, if stated.</param>
/// <param name="Target">What a link leads to, if stated.</param>
/// <param name="Length">The size of the content in bytes, if stated.</param>
internal readonly record struct PaxRecords(string? Path, string? Target, long? Length)
{
    /// <summary>Reads the records: <c>LENGTH KEY=VALUE\n</c>, each counting itself.</summary>
    /// <exception cref="FormatException">They are none, or describe a sparse file.</exception>
    public static PaxRecords Parse(ReadOnlySpan<byte> bytes)
    {
        var found = default(PaxRecords);
        while (!bytes.IsEmpty)
        {
            if (!Utf8Parser.TryParse(bytes, out int length, out var digits) || digits + 2 > length || length > bytes.Length || bytes[digits] != ' ' || bytes[length - 1] != '\n')
                throw new FormatException("an extended header is malformed");
            var record = bytes[(digits + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals < 0)
                throw new FormatException("an extended header is malformed");
            var value = Encoding.UTF8.GetString(record[(equals + 1)..]);
            found = Encoding.UTF8.GetString(record[..equals]) switch
            {
                "path" => found with { Path = value },
                "linkpath" => found with { Target = value },
                "size" => found with { Length = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : throw new FormatException("an extended header states no valid size") },
                var key when key.StartsWith("GNU.sparse.", StringComparison.Ordinal) => throw new FormatException("it holds a sparse file"),
                _ => found,
            };
            bytes = bytes[length..];
        }
        return found;
    }
}
