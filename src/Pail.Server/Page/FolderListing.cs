using System.Globalization;
using Pail.Export;

namespace Pail.Server.Page;

/// <summary>What is in one folder of a list of files.</summary>
internal sealed class FolderListing
{
    /// <summary>Looks at a path, as <see cref="Escape"/> writes it.</summary>
    public FolderListing(FileListing listing, string path)
    {
        Path = Unescape(path);
        var prefix = Path.Length == 0 ? "" : Path + "/";
        var items = new Dictionary<string, FolderItem>(StringComparer.Ordinal);
        foreach (var (name, file) in listing.Files)
        {
            if (name == Path)
                File = file;
            if (name.Length <= prefix.Length || !name.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            var slash = name.IndexOf('/', prefix.Length);
            var part = slash < 0 ? name[prefix.Length..] : name[prefix.Length..slash];
            if (slash < 0)
                items[part] = new(part, prefix + part, file, file.Type == '5' || (items.TryGetValue(part, out var seen) && seen.IsFolder));
            else
                items.TryAdd(part, new(part, prefix + part, null, true));
        }
        Items = [.. items.Values.OrderBy(item => !item.IsFolder).ThenBy(item => item.Name, StringComparer.Ordinal)];
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>What lies there; null for a folder that no layer describes, and where there is nothing.</summary>
    public RootFile? File { get; }

    /// <summary>What is in it, folders first.</summary>
    public IReadOnlyList<FolderItem> Items { get; }

    /// <summary>True if there is such a file or folder.</summary>
    public bool Exists => File is not null || Items.Count > 0 || Path.Length == 0;

    /// <summary>A path as it travels in addresses: bytes that are no UTF-8, lone surrogates here, and the sign itself are written <c>\HHHH</c>.</summary>
    public static string Escape(string path) => string.Concat(path.Select((c, at) => c == '\\' || (char.IsSurrogate(c) && !IsPair(path, at)) ? $"\\{(int)c:X4}" : c.ToString()));

    private static string Unescape(string path)
    {
        if (!path.Contains('\\', StringComparison.Ordinal))
            return path;
        var parts = path.Split('\\');
        return parts[0] + string.Concat(parts.Skip(1).Select(part => part.Length >= 4 && int.TryParse(part.AsSpan(0, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? (char)value + part[4..] : "\\" + part));
    }

    private static bool IsPair(string path, int at) => char.IsHighSurrogate(path[at]) ? at + 1 < path.Length && char.IsLowSurrogate(path[at + 1]) : at > 0 && char.IsHighSurrogate(path[at - 1]);
}

/// <summary>One thing in a folder.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Path">Its path.</param>
/// <param name="File">What it is; null for a folder that no layer describes.</param>
/// <param name="IsFolder">True for a folder.</param>
internal sealed record FolderItem(string Name, string Path, RootFile? File, bool IsFolder);
