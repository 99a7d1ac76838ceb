using Pail.Export;

namespace Pail.Compare;

/// <summary>Compares the files of two images, and the packages that databases among them name.</summary>
/// <param name="old">The first image's.</param>
/// <param name="new">The second image's.</param>
/// <param name="isPartial">True if the lowest layers, which both have, were not read.</param>
internal sealed class FileComparison(LayerTree old, LayerTree @new, bool isPartial)
{
    private readonly List<FileDiff> _files = [];
    private readonly List<string> _notes = [];
    private readonly SortedDictionary<(string Kind, string Name), (SortedSet<string> Old, SortedSet<string> New)> _packages = [];

    /// <summary>Files that differ, in the order of their paths.</summary>
    public IReadOnlyList<FileDiff> Files => _files;

    /// <summary>Packages that differ.</summary>
    public IReadOnlyList<PackageDiff> Packages =>
        [.. _packages.Where(item => !item.Value.Old.SetEquals(item.Value.New)).Select(item => new PackageDiff(item.Key.Kind, item.Key.Name, Versions(item.Value.Old), Versions(item.Value.New)))];

    /// <summary>What could not be compared.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Compares them.</summary>
    public FileComparison Run()
    {
        foreach (var (path, before, now) in Merge(old.Tree.Files(), @new.Tree.Files()))
        {
            Compare(path, before, now);
            ComparePackages(path, before?.Packages, now?.Packages);
        }
        if (!isPartial)
            return this;
        AddHidden(@new.Hidden.Except(old.Hidden), old.Tree, @new.Tree, FileChange.Removed);
        AddHidden(old.Hidden.Except(@new.Hidden), @new.Tree, old.Tree, FileChange.Added);
        _files.Sort((a, b) => Order(a.Path, b.Path));
        return this;
    }

    private void Compare(string path, FileFacts? before, FileFacts? now)
    {
        if (before is not null && now is not null)
        {
            if (before.Differences(now) is { Length: > 0 } what)
                _files.Add(new(Name(path, now), FileChange.Changed, before.Size, now.Size, what));
            return;
        }
        // A folder that one layer describes is in the other image too if anything is in it, and may be so if it lies in what was not read.
        if ((before ?? now) is { Type: '5' } && (isPartial || (before is null ? old : @new).Tree.HasFolder(path)))
            return;
        _files.Add(before is null ? new(Name(path, now!), FileChange.Added, null, now!.Size) : new(Name(path, before), FileChange.Removed, before.Size, null));
    }

    // What one image removes of layers that were not read. Where the other wrote it anew, it was compared already.
    private void AddHidden(IEnumerable<string> paths, RootTree other, RootTree own, FileChange change)
    {
        var written = other.Files().Select(item => item.Path).Concat(own.Files().Select(item => item.Path)).ToHashSet(StringComparer.Ordinal);
        foreach (var path in paths)
            if (path.EndsWith('/'))
                _notes.Add($"/{path}: what the layers below have in it is removed by {(change == FileChange.Removed ? "the second" : "the first")} image alone; which files these are is not known");
            else if (!written.Contains(path) && !other.HasFolder(path))
                _files.Add(new(path, change, null, null));
    }

    private void ComparePackages(string path, PackageFile? before, PackageFile? now)
    {
        if ((before ?? now) is not { } any)
            return;
        if (any.IsWhole && isPartial && (before is null || now is null))
            _notes.Add($"packages of {any.Kind} are not compared: only {(before is null ? "the second" : "the first")} image writes /{path} above the layers that were not read");
        else if (any.IsWhole && (before ?? any).Packages is null | (now ?? any).Packages is null)
        {
            if (_files is [.., { } last] && last.Path == path)
                _notes.Add($"packages of {any.Kind} are not compared: /{path} differs, and Pail does not read it");
        }
        else
        {
            Add(before, isOld: true);
            Add(now, isOld: false);
        }
    }

    private void Add(PackageFile? file, bool isOld)
    {
        foreach (var (name, version) in file?.Packages ?? [])
        {
            if (!_packages.TryGetValue((file!.Kind, name), out var versions))
                _packages[(file.Kind, name)] = versions = (new(StringComparer.Ordinal), new(StringComparer.Ordinal));
            (isOld ? versions.Old : versions.New).Add(version);
        }
    }

    private static string? Versions(SortedSet<string> versions) => versions.Count == 0 ? null : string.Join(", ", versions);

    private static string Name(string path, FileFacts file) => file.Type == '5' ? path + "/" : path;

    // Both come in the same order.
    private static IEnumerable<(string Path, FileFacts? Old, FileFacts? New)> Merge(IEnumerable<(string Path, RootFile File)> old, IEnumerable<(string Path, RootFile File)> @new)
    {
        using var left = old.GetEnumerator();
        using var right = @new.GetEnumerator();
        var (hasLeft, hasRight) = (left.MoveNext(), right.MoveNext());
        while (hasLeft || hasRight)
        {
            var order = !hasLeft ? 1 : !hasRight ? -1 : Order(left.Current.Path, right.Current.Path);
            // Folders that had to be made of something else, and that no layer describes, are none of anybody's.
            var (before, now) = (order <= 0 ? left.Current.File as FileFacts : null, order >= 0 ? right.Current.File as FileFacts : null);
            if (before is not null || now is not null)
                yield return (order <= 0 ? left.Current.Path : right.Current.Path, before, now);
            if (order <= 0)
                hasLeft = left.MoveNext();
            if (order >= 0)
                hasRight = right.MoveNext();
        }
    }

    // That of a tree: what is in a folder comes before its neighbours.
    private static int Order(string a, string b)
    {
        for (var i = 0; i < a.Length && i < b.Length; i++)
            if (a[i] != b[i])
                return (a[i] == '/' ? -1 : a[i]) - (b[i] == '/' ? -1 : b[i]);
        return a.Length - b.Length;
    }
}
