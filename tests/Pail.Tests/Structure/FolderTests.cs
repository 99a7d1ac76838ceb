using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Pail.Oci;
using Pail.Tests.Kit;

namespace Pail.Tests.Structure;

/// <summary>What ARCHITECTURE.md says of folders, read from the built assemblies and from the sources.</summary>
public sealed partial class FolderTests
{
    // A folder uses those after it, and those beside it on its line; never those before.
    private static readonly string[][] Order =
    [
        ["Places"],
        ["Copy", "Collect", "Removal", "Compare"],
        ["Buckets", "Pulls", "Remote", "Docker", "OciLayout", "Dir", "Export"],
        ["Images"],
        ["Transfer"],
        ["Stores"],
        ["Compression", "Tar", "Retention", "Access"],
        ["Policies"],
        ["Io"],
        ["Oci", "Telemetry"],
    ];

    private static readonly Lazy<Architecture> Library = new(() => new ArchLoader().LoadAssembly(typeof(Digest).Assembly).Build());

    [Fact]
    public void Folders_OfTheLibrary_AreAllInTheOrder() => Assert.Equal(
        Order.SelectMany(line => line).Order(StringComparer.Ordinal),
        Directory.GetDirectories(Path.Combine(TestEnvironment.Sources, "src/Pail"))
            .Where(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Any(IsSource))
            .Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal));

    [Fact]
    public void Folders_OfTheLibrary_UseOnlyWhatIsBelowThem()
    {
        Assert.Contains(Uses(), use => use is { From: "Places", To: "Oci" } or { From: "Copy", To: "Oci" });
        var wrong = Uses().Where(use => Line(use.From) > Line(use.To)).Select(use => use.Where).Order(StringComparer.Ordinal).ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Folders_OnOneLine_HaveNoCycle()
    {
        var uses = Uses().Where(use => use.From != use.To).ToLookup(use => use.From, use => use.To);
        foreach (var folder in Order.SelectMany(line => line))
            Assert.False(Reaches(folder, folder, []), $"{folder} uses itself by way of {string.Join(", ", uses[folder].Distinct())}");

        bool Reaches(string from, string to, HashSet<string> seen) => uses[from].Any(next => next == to || (seen.Add(next) && Reaches(next, to, seen)));
    }

    [Fact]
    public void Namespaces_AreFolders()
    {
        var wrong = from file in Sources()
                    let folder = Path.GetDirectoryName(Path.GetRelativePath(Path.Combine(TestEnvironment.Sources, "src"), file))!.Replace('/', '.')
                    let name = Namespace().Match(File.ReadAllText(file)).Groups["name"].Value
                    where name.Length > 0 && name != folder
                    select $"{file}: {name}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void Files_AreSmall()
    {
        var files = Sources().Select(file => (Name: file, Lines: File.ReadLines(file).Count())).OrderBy(file => file.Lines).ToList();
        Assert.DoesNotContain(files, file => file.Lines > 300);
        Assert.True(files.Count(file => file.Lines > 150) <= files.Count / 10, string.Join('\n', files.Where(file => file.Lines > 150)));
        Assert.InRange(files[files.Count / 2].Lines, 1, 80);
    }

    private static int Line(string folder) => Array.FindIndex(Order, line => line.Contains(folder));

    private static IEnumerable<(string From, string To, string Where)> Uses() =>
        from type in Library.Value.Types
        let start = Folder(type)
        where start is not null
        from dependency in type.Dependencies
        let end = Folder(dependency.Target)
        where end is not null
        select (start, end, $"{dependency.Origin.FullName} uses {dependency.Target.FullName}");

    // Null for what lies in the project's own folder, above all others, and for what is not the library's.
    private static string? Folder(IType type) =>
        type.Namespace?.FullName?.Split('.') is ["Pail", var folder, ..] && Line(folder) >= 0 ? folder : null;

    private static IEnumerable<string> Sources() => Directory.EnumerateFiles(Path.Combine(TestEnvironment.Sources, "src"), "*.cs", SearchOption.AllDirectories).Where(IsSource);

    private static bool IsSource(string file) => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal);

    [GeneratedRegex(@"^namespace (?<name>[\w.]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Namespace();
}
