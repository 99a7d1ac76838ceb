using Pail.Export;

namespace Pail.Compare;

/// <summary>Compares the files of two images, and the packages that databases among them name.</summary>
internal sealed class FileComparison
{
    private readonly List<FileDiff> _files = [];
    private readonly PackageComparison _packages = new();

    /// <summary>Compares them.</summary>
    /// <param name="old">The first image's.</param>
    /// <param name="new">The second image's.</param>
    public FileComparison(RootTree old, RootTree @new)
    {
        // Where nothing is removed or replaced, and both have the same names, lower layers show through at the same places.
        IsCertain = !old.DependsOnLower && !@new.DependsOnLower;
        foreach (var (path, before, now) in Merge(old.All(), @new.All()))
        {
            IsCertain &= before is FileFacts == now is FileFacts && before?.Type == '5' == (now?.Type == '5');
            var differs = Compare(path, before, now);
            if (_packages.Add(path, (before as FileFacts)?.Packages, (now as FileFacts)?.Packages, differs))
                IsCertain &= !differs;
        }
    }

    /// <summary>True if the result is right whatever lies in layers below that were not applied, and that both images have.</summary>
    public bool IsCertain { get; }

    /// <summary>Files that differ, in the order of their paths.</summary>
    public IReadOnlyList<FileDiff> Files => _files;

    /// <summary>Packages that differ.</summary>
    public IReadOnlyList<PackageDiff> Packages => _packages.Differences();

    /// <summary>What could not be compared.</summary>
    public IReadOnlyList<string> Notes => _packages.Notes;

    // True if it differs. A folder that no layer describes is there because of what is in it: engines make it with a mode of their own.
    private bool Compare(string path, RootFile? before, RootFile? now)
    {
        var diff = (before, now) switch
        {
            (FileFacts old, FileFacts @new) when old.Differences(@new) is { Count: > 0 } what => new FileDiff(path, FileChange.Changed, old.Size, @new.Size) { What = what },
            ({ } old, { } @new) when old.Type != @new.Type => new FileDiff(path, FileChange.Changed, old.Size, @new.Size) { What = ["type"] },
            (FileFacts old, null) => new FileDiff(path, FileChange.Removed, old.Size, null),
            (null, FileFacts @new) => new FileDiff(path, FileChange.Added, null, @new.Size),
            _ => null,
        };
        if (diff is null)
            return false;
        _files.Add((now ?? before)!.Type == '5' ? diff with { Path = path + "/" } : diff);
        return true;
    }

    // Both come in the same order.
    private static IEnumerable<(string Path, RootFile? Old, RootFile? New)> Merge(IEnumerable<(string Path, RootFile File)> old, IEnumerable<(string Path, RootFile File)> @new)
    {
        using var left = old.GetEnumerator();
        using var right = @new.GetEnumerator();
        var (hasLeft, hasRight) = (left.MoveNext(), right.MoveNext());
        while (hasLeft || hasRight)
        {
            var order = !hasLeft ? 1 : !hasRight ? -1 : Order(left.Current.Path, right.Current.Path);
            yield return (order <= 0 ? left.Current.Path : right.Current.Path, order <= 0 ? left.Current.File : null, order >= 0 ? right.Current.File : null);
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
