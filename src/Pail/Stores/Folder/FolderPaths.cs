using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Pail.Stores.Folder;

/// <summary>
/// Keys as paths under a folder, one to one. A key's parts are directories, the last one the file, whose name
/// goes on with a suffix of <see cref="FolderTypes"/>. Written otherwise than in the key are:
/// <list type="bullet">
/// <item><c>%</c>, <c>@</c> and control characters, as <c>%XX</c>; so only our own names hold an <c>@</c>, and a file never has a directory's name;</item>
/// <item>the parts <c>.</c> and <c>..</c>, and a first part <c>.pail</c>, their dots as <c>%2E</c>;</item>
/// <item>an empty part before a slash: <c>@</c>;</item>
/// <item>a part too long for a file name: directories of 200 bytes, their names ending in <c>@</c>, which stand for no slash.</item>
/// </list>
/// </summary>
internal static class FolderPaths
{
    /// <summary>The directory of Pail's own files in a bucket's folder.</summary>
    public const string Private = ".pail";

    private const int MaxKeyBytes = 1024;
    private const int MaxName = 255;
    private const int PieceLength = 200;
    private const int MaxFileName = MaxName - FolderTypes.LongestSuffix;

    private static readonly SearchValues<char> Escaped =
        SearchValues.Create([.. Enumerable.Range(0, 32).Select(c => (char)c), '\x7f', '%', '@']);

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The path of a key, without its suffix.</summary>
    /// <exception cref="StoreException"><see cref="StoreError.Rejected"/>: no store takes this key.</exception>
    public static string Of(string key)
    {
        if (IsPath(key))
            return key;
        Check(key);
        var path = new StringBuilder(key.Length + 16);
        var slash = AppendDirectories(path, key);
        return AppendSegment(path, key.AsSpan(slash + 1), isFirst: slash < 0, MaxFileName).ToString();
    }

    /// <summary>The directory that holds every key that begins with <paramref name="prefix"/>, and the part of the prefix it stands for. Empty for the root.</summary>
    public static (string Path, string Prefix) DirectoryOf(string prefix)
    {
        var path = new StringBuilder(prefix.Length);
        var slash = AppendDirectories(path, prefix);
        return (path.ToString().TrimEnd('/'), prefix[..(slash + 1)]);
    }

    /// <summary>Reads the name of a file: the last part of a key (or of a piece of it) and its suffix. False if it is no object's.</summary>
    public static bool TryReadFile(ReadOnlySpan<char> name, [NotNullWhen(true)] out string? part, out int suffix)
    {
        (part, suffix) = (null, -1);
        var dot = name.LastIndexOf(".@");
        return dot >= 0
            && (suffix = Suffix(name[dot..])) >= 0
            && TryRead(name[..dot], out part);
    }

    /// <summary>Reads the name of a directory: a part of a key with its slash, or a piece of a long part. False if no key has it.</summary>
    public static bool TryReadDirectory(ReadOnlySpan<char> name, [NotNullWhen(true)] out string? part)
    {
        if (name is "@")
            part = "/";
        else if (name is [.. var piece, '@'])
            return TryRead(piece, out part);
        else if (TryRead(name, out part))
            part += '/';
        return part is not null;
    }

    // A key of a registry is its own path. This is all that most requests need.
    private static bool IsPath(string key) =>
        key.Length is > 0 and <= MaxFileName && Ascii.IsValid(key) && !key.AsSpan().ContainsAny(Escaped)
        && key[0] is not ('/' or '.') && !key.Contains("//", StringComparison.Ordinal) && !key.Contains("/.", StringComparison.Ordinal);

    private static void Check(string key)
    {
        string? wrong = null;
        try
        {
            if (key.Length == 0)
                wrong = "a key can't be empty";
            else if (Strict.GetByteCount(key) > MaxKeyBytes)
                wrong = $"a key has at most {MaxKeyBytes} bytes";
        }
        catch (EncoderFallbackException)
        {
            wrong = "a key is Unicode text";
        }
        if (wrong is not null)
            throw new StoreException(StoreError.Rejected, $"'{Oci.SafeText.OneLine(key)}': {wrong}.");
    }

    // Returns where the last slash is.
    private static int AppendDirectories(StringBuilder path, string key)
    {
        var start = 0;
        for (int slash; (slash = key.IndexOf('/', start)) >= 0; start = slash + 1)
        {
            if (slash == start)
                path.Append('@');
            else
                AppendSegment(path, key.AsSpan(start, slash - start), isFirst: start == 0, MaxName);
            path.Append('/');
        }
        return start - 1;
    }

    private static StringBuilder AppendSegment(StringBuilder path, ReadOnlySpan<char> segment, bool isFirst, int limit)
    {
        if (segment is "." or ".." || (isFirst && segment.Equals(Private, StringComparison.OrdinalIgnoreCase)))
            return path.Append("%2E").Append(segment is ".." ? "%2E" : segment[1..]);
        var left = segment.Length * 3 > limit ? EscapedLength(segment) : 0;
        var piece = 0;
        foreach (var rune in segment.EnumerateRunes())
        {
            var length = EscapedLength(rune);
            if (left > limit && piece + length > PieceLength)
            {
                path.Append("@/");
                left -= piece;
                piece = 0;
            }
            piece += length;
            if (length > rune.Utf8SequenceLength)
                path.Append('%').Append(rune.Value.ToString("X2"));
            else
                path.Append(rune);
        }
        return path;
    }

    private static int EscapedLength(ReadOnlySpan<char> segment)
    {
        var length = 0;
        foreach (var rune in segment.EnumerateRunes())
            length += EscapedLength(rune);
        return length;
    }

    private static int EscapedLength(Rune rune) => rune.IsAscii && Escaped.Contains((char)rune.Value) ? 3 : rune.Utf8SequenceLength;

    private static int Suffix(ReadOnlySpan<char> end)
    {
        for (var index = 0; index < FolderTypes.Suffixes.Length; index++)
            if (end.SequenceEqual(FolderTypes.Suffixes[index]))
                return index;
        return -1;
    }

    // Undoes the escapes. What Pail would have written otherwise is somebody else's file, and no object.
    private static bool TryRead(ReadOnlySpan<char> name, [NotNullWhen(true)] out string? part)
    {
        part = name.ToString();
        if (!name.ContainsAny(Escaped))
            return true;
        part = Uri.UnescapeDataString(part);
        var path = new StringBuilder();
        AppendSegment(path, part, isFirst: false, int.MaxValue);
        if (path.Equals(name) || name.Equals("%2E" + Private[1..], StringComparison.OrdinalIgnoreCase))
            return true;
        part = null;
        return false;
    }
}
