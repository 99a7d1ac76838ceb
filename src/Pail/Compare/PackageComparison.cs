namespace Pail.Compare;

/// <summary>Collects what the databases of two images say of packages, and compares it: for each name, its versions.</summary>
internal sealed class PackageComparison
{
    private readonly SortedDictionary<(string Kind, string Name), (SortedSet<string> Old, SortedSet<string> New)> _packages = new(Comparer<(string Kind, string Name)>.Create(static (a, b) =>
        string.CompareOrdinal(a.Kind, b.Kind) is not 0 and var kind ? kind : string.CompareOrdinal(a.Name, b.Name)));

    private readonly List<string> _notes = [];

    /// <summary>Which databases differ and could not be read.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Adds a file of both images; null where an image has none, or it is no database.</summary>
    /// <returns>True if it is a database in either.</returns>
    public bool Add(string path, PackageFile? before, PackageFile? now, bool differs)
    {
        if ((before ?? now) is not { } any)
            return false;
        if (before is { Packages: null } || now is { Packages: null })
        {
            if (differs)
                _notes.Add($"packages of {any.Kind} are not compared: /{path} differs, and Pail does not read it");
            return true;
        }
        Add(before, isOld: true);
        Add(now, isOld: false);
        return true;
    }

    /// <summary>Packages of which the images have other versions.</summary>
    public IReadOnlyList<PackageDiff> Differences() => [.. _packages
        .Where(item => !item.Value.Old.SetEquals(item.Value.New))
        .Select(item => new PackageDiff(item.Key.Kind, item.Key.Name, Versions(item.Value.Old), Versions(item.Value.New)))];

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
}
