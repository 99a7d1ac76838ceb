using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Pail.Tar;

/// <summary>What a pax header says of the entry after it. Source: POSIX pax, "pax Extended Header"; GNU tar manual, "PAX Format, Version 0.0" to "1.0".</summary>
/// <param name="Path">The entry's name, if stated.</param>
/// <param name="Target">What a link leads to, if stated.</param>
/// <param name="Length">The size of the content in bytes, if stated.</param>
internal readonly record struct PaxRecords(string? Path, string? Target, long? Length)
{
    private const string Sparse = "GNU.sparse.";
    private const string Attribute = "SCHILY.xattr.";

    /// <summary>The size of a sparse file with its holes; null for other files.</summary>
    public long? SparseSize { get; init; }

    /// <summary>The name of a sparse file, where the entry itself has another one.</summary>
    public string? SparseName { get; init; }

    /// <summary>The offsets and lengths of what is stored of a sparse file; null where they stand before the content.</summary>
    public IReadOnlyList<long>? SparseParts { get; init; }

    /// <summary>The number of the entry's user, if stated: those that its header has no room for.</summary>
    public long? User { get; init; }

    /// <summary>The number of its group, likewise.</summary>
    public long? Group { get; init; }

    /// <summary>Its extended attributes, values as <see cref="TarText"/> decodes them; null if it has none.</summary>
    public IReadOnlyList<(string Name, string Value)>? Attributes { get; init; }

    /// <summary>Reads the records: <c>LENGTH KEY=VALUE\n</c>, each counting itself.</summary>
    /// <exception cref="FormatException">They are none.</exception>
    public static PaxRecords Parse(ReadOnlySpan<byte> bytes)
    {
        var found = default(PaxRecords);
        var parts = new List<long>();
        List<(string, string)>? attributes = null;
        var isVersion1 = false;
        while (!bytes.IsEmpty)
        {
            if (!Utf8Parser.TryParse(bytes, out int length, out var digits) || digits + 2 > length || length > bytes.Length || bytes[digits] != ' ' || bytes[length - 1] != '\n')
                throw new FormatException("an extended header is malformed");
            var record = bytes[(digits + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals < 0)
                throw new FormatException("an extended header is malformed");
            var value = TarText.Decode(record[(equals + 1)..]);
            switch (Encoding.UTF8.GetString(record[..equals]))
            {
                case "uid":
                    found = found with { User = Number(value) };
                    break;
                case "gid":
                    found = found with { Group = Number(value) };
                    break;
                case var key when key.StartsWith(Attribute, StringComparison.Ordinal):
                    (attributes ??= []).Add((key[Attribute.Length..], value));
                    break;
                case "path":
                    found = found with { Path = value };
                    break;
                case "linkpath":
                    found = found with { Target = value };
                    break;
                case "size":
                    found = found with { Length = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : throw new FormatException("an extended header states no valid size") };
                    break;
                case Sparse + "size" or Sparse + "realsize":
                    found = found with { SparseSize = SparseMap.Number(value) };
                    break;
                case Sparse + "name":
                    found = found with { SparseName = value };
                    break;
                case Sparse + "major":
                    isVersion1 = value == "1";
                    break;
                // Version 0.0 states each part in two records, 0.1 all in one.
                case Sparse + "offset" or Sparse + "numbytes" or Sparse + "map":
                    parts.AddRange(SparseMap.Numbers(value, ','));
                    break;
                default:
                    break;
            }
            bytes = bytes[length..];
        }
        found = found with { Attributes = attributes };
        return found.SparseSize is null || isVersion1 ? found : found with { SparseParts = parts };
    }

    // What others read leniently is not refused here: numbers of owners decide nothing.
    private static long? Number(string value) => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>True for a record that describes how a sparse file is stored.</summary>
    public static bool IsSparse(ReadOnlySpan<byte> key) => key.StartsWith("GNU.sparse."u8);
}
