using System.Buffers.Text;
using System.IO.Enumeration;
using System.Text;

namespace Pail.Stores.Folder;

/// <summary>
/// Lists keys in order without reading more directories than it must. What is known but not yet listed waits in a heap by
/// its key; a directory waits as what all its keys begin with, which is above none of them, and is read when its turn comes.
/// </summary>
internal sealed class FolderListing
{
    private static readonly EnumerationOptions NoLinks = new() { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    // Times of files are told in steps of some milliseconds (of the network's clock, on a network's file system): a change just
    // before a directory is read may have the time of one meanwhile.
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly FolderRoot _root;
    private readonly FolderObjects _objects;
    private readonly ListQuery _query;
    private readonly PriorityQueue<Node, string> _waiting = new(KeyOrder.Comparer);

    // Where the page begins: after this key or, if it is a prefix listed already, after all that begins so.
    private readonly string? _after;
    private readonly bool _afterPrefix;

    /// <param name="root">The bucket's folder.</param>
    /// <param name="objects">Its objects.</param>
    /// <param name="query">What to list.</param>
    public FolderListing(FolderRoot root, FolderObjects objects, ListQuery query)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        (_root, _objects, _query) = (root, objects, query);
        (_after, _afterPrefix) = query.Continuation is { } token ? ReadToken(token) : (query.StartAfter, false);
        var (path, prefix) = FolderPaths.DirectoryOf(query.Prefix);
        var top = new Node(Kind.Directory, prefix, path);
        if (IsWanted(top))
            _waiting.Enqueue(top, prefix);
    }

    private enum Kind
    {
        None,
        Directory,
        Object,
        Prefix,
    }

    /// <summary>The page asked for.</summary>
    public ListPage Read(CancellationToken cancel)
    {
        if (!_root.Exists)
            throw FolderErrors.NoBucket(_root);
        List<ObjectEntry> objects = [];
        List<string> prefixes = [];
        Node last = default;
        while (_waiting.TryDequeue(out var node, out _))
        {
            cancel.ThrowIfCancellationRequested();
            if (node.Kind == Kind.Directory)
                Open(node, last);
            else if (node.Key != last.Key && Describe(node) is var (isThere, entry) && isThere)
            {
                if (objects.Count + prefixes.Count == Math.Min(_query.Limit, 1000))
                    return new(objects, prefixes, WriteToken(last));
                last = node;
                if (entry is null)
                    prefixes.Add(node.Key);
                else
                    objects.Add(entry);
            }
        }
        return new(objects, prefixes, null);
    }

    private void Open(Node directory, Node last)
    {
        if (Fold(directory.Key) is not { } folded)
            Expand(directory);
        else if (folded != last.Key && HasAny(directory))
            _waiting.Enqueue(new(Kind.Prefix, folded), folded);
    }

    private void Expand(Node directory)
    {
        HashSet<Node> children = [];
        Visit(directory, Add);
        foreach (var child in children)
            _waiting.Enqueue(child, child.Key);

        bool Add(Node child)
        {
            children.Add(child.Kind == Kind.Object && Fold(child.Key) is { } folded ? new(Kind.Prefix, folded) : child);
            return false;
        }
    }

    // Of a directory all of whose keys fold into one prefix only this is of interest.
    private bool HasAny(Node directory) => Visit(directory, child => child.Kind == Kind.Object || HasAny(child));

    private (bool IsThere, ObjectEntry? Entry) Describe(Node node)
    {
        if (node.Kind == Kind.Prefix)
            return (true, null);
        var info = _objects.Head(FolderPaths.Of(node.Key));
        return (info is not null, info is null ? null : new(node.Key, info.Size, info.ETag, info.Modified));
    }

    // Calls visit for all that matters in a directory until it returns true; false if it never does. A file that comes or goes
    // while its directory is read may be missed, and with it a key that has a file at any time. So if anything changed, what a
    // second look finds counts as well.
    private bool Visit(Node directory, Func<Node, bool> visit)
    {
        var path = PathOf(directory);
        var before = Directory.GetLastWriteTimeUtc(path);
        if (Look(directory, path, visit))
            return true;
        var after = Directory.GetLastWriteTimeUtc(path);
        return (after != before || _root.Age(after) < Tick) && Look(directory, path, visit);
    }

    private bool Look(Node directory, string path, Func<Node, bool> visit)
    {
        using (var real = _root.Open(path))
            if (real is null)
                return false;
        try
        {
            foreach (var child in new FileSystemEnumerable<Node>(path, (ref entry) => Child(directory, ref entry), NoLinks))
                if (child.Kind != Kind.None && IsWanted(child) && visit(child))
                    return true;
        }
        catch (DirectoryNotFoundException)
        {
            // Its last object was just deleted.
        }
        return false;
    }

    private static Node Child(Node directory, ref FileSystemEntry entry)
    {
        if (!entry.IsDirectory)
            return FolderPaths.TryReadFile(entry.FileName, out var name, out _) ? new(Kind.Object, directory.Key + name) : default;
        if (directory.Path.Length == 0 && entry.FileName.Equals(FolderPaths.Private, StringComparison.OrdinalIgnoreCase))
            return default;
        return FolderPaths.TryReadDirectory(entry.FileName, out var part)
            ? new(Kind.Directory, directory.Key + part, directory.Path.Length == 0 ? entry.FileName.ToString() : $"{directory.Path}/{entry.FileName}")
            : default;
    }

    private string PathOf(Node directory) => directory.Path.Length == 0 ? _root.Path : $"{_root.Path}/{directory.Path}";

    private string? Fold(string key)
    {
        if (string.IsNullOrEmpty(_query.Delimiter) || key.Length <= _query.Prefix.Length)
            return null;
        var at = key.IndexOf(_query.Delimiter, _query.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : key[..(at + _query.Delimiter.Length)];
    }

    private bool IsWanted(Node node)
    {
        var isDirectory = node.Kind == Kind.Directory;
        var (key, prefix) = (node.Key, _query.Prefix);
        if (!key.StartsWith(prefix, StringComparison.Ordinal) && !(isDirectory && prefix.StartsWith(key, StringComparison.Ordinal)))
            return false;
        if (_after is null)
            return true;
        if (_afterPrefix && key.StartsWith(_after, StringComparison.Ordinal))
            return false;
        return KeyOrder.Comparer.Compare(key, _after) > 0 || (isDirectory && _after.StartsWith(key, StringComparison.Ordinal));
    }

    private static string WriteToken(Node last) => (last.Kind == Kind.Prefix ? 'p' : 'k') + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(last.Key));

    private static (string Key, bool IsPrefix) ReadToken(string token)
    {
        try
        {
            if (token is [('p' or 'k') and var kind, _, ..])
                return (Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token.AsSpan(1))), kind == 'p');
        }
        catch (FormatException)
        {
            // The answer is the same as to any other text.
        }
        throw new StoreException(StoreError.Rejected, $"'{Oci.SafeText.OneLine(token)}' is not a token of a page before.");
    }

    private readonly record struct Node(Kind Kind, string Key, string Path = "");
}
