using Pail.Oci;
using Pail.Tar;

namespace Pail.Export;

/// <summary>A file as one layer holds it, and where it lies in the temporary file. Names that are hard links of each other share one.</summary>
/// <param name="Header">Where its header begins; negative for a folder that no layer describes.</param>
/// <param name="Records">Where the pax records before it begin, and how long they are.</param>
/// <param name="Content">Where its bytes begin.</param>
/// <param name="Size">How many bytes it has.</param>
/// <param name="Type">Its type, as tar has it.</param>
/// <param name="Target">Where a symbolic link leads; empty for the rest.</param>
/// <param name="Sparse">Which parts of it are stored, if it is a sparse file.</param>
internal record RootFile(long Header, (long Offset, int Length) Records, long Content, long Size, char Type, string Target, SparseMap? Sparse = null);

/// <summary>
/// The file system that layers make, one over the other, by names alone: nothing is unpacked, so nothing can be written
/// outside. Source: OCI image-spec, layer.md, "Applying Changesets" and "Whiteouts".
/// </summary>
/// <param name="name">The image, for messages.</param>
/// <param name="isPartial">True if the lowest layers are not applied: a hard link may lead into them.</param>
internal sealed class RootTree(string name, bool isPartial = false)
{
    /// <summary>How many names an image may have.</summary>
    public const int MaxNames = 4 << 20;

    /// <summary>Stands for a folder that no layer describes.</summary>
    public static readonly RootFile Undescribed = new(-1, (0, 0), 0, 0, '5', "");

    private const string Whiteout = ".wh.";
    private const string OpaqueWhiteout = ".wh..wh..opq";
    private const int MaxLinks = 40;
    private const int MaxDepth = 1024;

    private readonly Node _root = new(-1);
    private readonly Dictionary<string, RootFile> _ofAufs = new(StringComparer.Ordinal);
    private int _names;

    /// <summary>True if an entry removed or replaced something, or is a link to what no layer applied before holds: then its effect depends on layers that are not applied.</summary>
    public bool DependsOnLower { get; private set; }

    private sealed class Node(int layer)
    {
        // Most are files and have none.
        private SortedDictionary<string, Node>? _children;

        public SortedDictionary<string, Node> Children => _children ??= new(StringComparer.Ordinal);

        public bool IsEmpty => _children is not { Count: > 0 };

        public RootFile? File { get; set; }

        public int Layer { get; set; } = layer;

        public bool IsDirectory => File is null or { Type: '5' };
    }

    /// <summary>Applies an entry of a layer. Layers come in order, from the lowest, numbered from 0.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it can't be applied.</exception>
    public void Apply(TarEntry entry, RootFile file, int layer)
    {
        if (entry.Path.Length == 0)
            return;
        var parts = entry.Path.Split('/');
        if (parts.Length > MaxDepth)
            throw Bad(entry.Path, $"has more than {MaxDepth} parts");
        var last = parts[^1];
        if (last != OpaqueWhiteout && parts.Any(IsOfAufs))
        {
            KeepForLinks(entry, file);
            return;
        }
        var folder = Folder(parts.AsSpan(0, parts.Length - 1), layer, entry.Path)!;
        var isWhiteout = last.StartsWith(Whiteout, StringComparison.Ordinal);
        DependsOnLower |= isWhiteout;
        if (last == OpaqueWhiteout)
            Hide(folder, layer);
        else if (isWhiteout)
            HideChild(folder, last[Whiteout.Length..], layer);
        else
            Put(folder, last, entry.Kind == TarKind.HardLink ? Linked(entry, file) : file, layer);
    }

    /// <summary>All names and their files, folders before what is in them, always in the same order.</summary>
    public IEnumerable<(string Path, RootFile File)> Files() => All().Where(item => !ReferenceEquals(item.File, Undescribed));

    /// <summary>The same, and folders that no layer describes, as <see cref="Undescribed"/>.</summary>
    public IEnumerable<(string Path, RootFile File)> All() => Walk(_root, "");

    private static IEnumerable<(string Path, RootFile File)> Walk(Node folder, string prefix)
    {
        foreach (var (part, node) in folder.Children)
        {
            yield return (prefix + part, node.File ?? Undescribed);
            if (!node.IsEmpty)
                foreach (var below in Walk(node, $"{prefix}{part}/"))
                    yield return below;
        }
    }

    // What aufs, the file system of old engines, keeps for itself: its locks, and below .wh..wh.plnk the files that have several names.
    private static bool IsOfAufs(string part) => part.StartsWith(Whiteout + Whiteout, StringComparison.Ordinal);

    // No part of the image; its names in the image are hard links to it.
    private void KeepForLinks(TarEntry entry, RootFile file)
    {
        if (entry.Kind != TarKind.HardLink && file.Type == '5')
            return;
        Count();
        _ofAufs[entry.Path] = entry.Kind == TarKind.HardLink ? Linked(entry, file) : file;
    }

    private void Put(Node folder, string part, RootFile file, int layer)
    {
        if (folder.Children.TryGetValue(part, out var node))
        {
            DependsOnLower |= (file.Type == '5') != node.IsDirectory;
            // A folder over a folder is the same one with other owner, mode and time; everything else takes the place of what was there.
            if (!node.IsEmpty && (file.Type != '5' || !node.IsDirectory))
                node.Children.Clear();
        }
        else
        {
            folder.Children[part] = node = Add(layer);
        }
        (node.File, node.Layer) = (file, layer);
    }

    // Symbolic links of the same layer are followed within the image, as engines do it; what is missing is made, or ends the search. In the
    // place of a link that a lower layer holds a folder is made: engines unpack each layer by itself, and the file systems they lay over
    // each other show the upper folder.
    private Node? Folder(ReadOnlySpan<string> parts, int layer, string path, bool create = true)
    {
        var way = new List<Node> { _root };
        var todo = new Stack<string>();
        for (var i = parts.Length - 1; i >= 0; i--)
            todo.Push(parts[i]);
        for (var links = 0; todo.TryPop(out var part);)
        {
            if (part is "" or ".")
                continue;
            if (part == "..")
            {
                // Above the root is the root.
                if (way.Count > 1)
                    way.RemoveAt(way.Count - 1);
                continue;
            }
            var folder = way[^1];
            var node = folder.IsEmpty ? null : folder.Children.GetValueOrDefault(part);
            if (node is null && !create)
                return null;
            if (node is null)
                folder.Children[part] = node = Add(layer);
            if (node.File is { Type: '2', Target: var target } && (!create || node.Layer == layer))
            {
                if (++links > MaxLinks || todo.Count > MaxDepth)
                    throw Bad(path, "leads through symbolic links without end");
                if (target.StartsWith('/'))
                    way.RemoveRange(1, way.Count - 1);
                foreach (var step in target.Split('/').Reverse())
                    todo.Push(step);
                continue;
            }
            if (!node.IsDirectory && !create)
                return null;
            DependsOnLower |= !node.IsDirectory;
            if (!node.IsDirectory)
                (node.File, node.Layer) = (new(-1, (0, 0), 0, 0, '5', ""), layer);
            way.Add(node);
            if (way.Count > MaxDepth)
                throw Bad(path, $"lies more than {MaxDepth} folders deep");
        }
        return way[^1];
    }

    // What the same layer holds stays, whether it came before or comes after.
    private void Hide(Node folder, int layer)
    {
        if (folder.IsEmpty)
            return;
        foreach (var part in folder.Children.Keys.ToList())
            HideChild(folder, part, layer);
    }

    private void HideChild(Node folder, string part, int layer)
    {
        if (!folder.Children.TryGetValue(part, out var node))
            return;
        Hide(node, layer);
        if (node.Layer == layer)
            return;
        if (node.IsEmpty)
            folder.Children.Remove(part);
        else
            node.File = null;
    }

    private RootFile Linked(TarEntry entry, RootFile itself)
    {
        if (_ofAufs.TryGetValue(entry.TargetPath(), out var kept))
            return kept;
        var parts = entry.TargetPath().Split('/');
        if (Folder(parts.AsSpan(0, parts.Length - 1), 0, entry.Path, create: false) is not { IsEmpty: false } folder || !folder.Children.TryGetValue(parts[^1], out var node))
        {
            DependsOnLower = true;
            return isPartial ? itself : throw Bad(entry.Path, $"is a link to {SafeText.OneLine(entry.Target, 80)}, which is not there");
        }
        return node.File is { Type: not '5' } file ? file : throw Bad(entry.Path, $"is a link to {SafeText.OneLine(entry.Target, 80)}, which is a folder");
    }

    private Node Add(int layer)
    {
        Count();
        return new Node(layer);
    }

    private void Count()
    {
        if (++_names > MaxNames)
            throw new PailException(Failure.BadContent, $"{name}: its layers hold more than {MaxNames} names.");
    }

    private PailException Bad(string path, string why) => new(Failure.BadContent, $"{name}: a layer can't be applied: {SafeText.OneLine(path, 80)} {why}.");
}
