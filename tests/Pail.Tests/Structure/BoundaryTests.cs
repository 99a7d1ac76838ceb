using System.Text.RegularExpressions;
using Pail.Cli;
using Pail.Server;
using Pail.Tests.Kit;

namespace Pail.Tests.Structure;

/// <summary>Who may know how a bucket keeps what it holds: the server asks the bucket, and only layouts know which layout they are.</summary>
public sealed partial class BoundaryTests
{
    [Fact]
    public void Server_UsesNoStoreEngineOrLayout_OfABucket() => AssertNone("src/Pail.Server", Inside(), _ => true);

    [Fact]
    public void LayoutKind_IsNamedOnlyByLayoutsAndSettings() => AssertNone(
        "src",
        Kind(),
        file => !file.StartsWith("src/Pail/Buckets/Layouts/", StringComparison.Ordinal) && file != "src/Pail/Buckets/BucketSettings.cs");

    // ASP.NET's generator makes Program public; it is in no namespace.
    [Fact]
    public void ServerAndCommandLine_HaveNoPublicTypes() =>
        Assert.DoesNotContain(typeof(RegistryServer).Assembly.GetExportedTypes().Concat(typeof(PailProgram).Assembly.GetExportedTypes()), type => type.Namespace is not null);

    private static void AssertNone(string folder, Regex words, Func<string, bool> counts)
    {
        var found = from path in Directory.EnumerateFiles(Path.Combine(TestEnvironment.Sources, folder), "*.cs", SearchOption.AllDirectories)
                    let file = Path.GetRelativePath(TestEnvironment.Sources, path)
                    where !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal) && counts(file)
                    from line in File.ReadLines(path).Index()
                    where words.IsMatch(line.Item) && !line.Item.Contains("[StructLayout(", StringComparison.Ordinal)
                    select $"{file}:{line.Index + 1}: {line.Item.Trim()}";
        Assert.True(!found.Any(), string.Join('\n', found));
    }

    [GeneratedRegex(@"\.(Store|Engine|Layout)\b", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Inside();

    [GeneratedRegex(@"\bLayoutKind\b", RegexOptions.NonBacktracking)]
    private static partial Regex Kind();
}
