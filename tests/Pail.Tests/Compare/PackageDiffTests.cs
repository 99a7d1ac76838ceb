using Pail.Tests.Images;
using static Pail.Tests.Compare.Diffing;

namespace Pail.Tests.Compare;

/// <summary>Which packages differ, as their databases say.</summary>
public sealed class PackageDiffTests
{
    /// <summary>Files of both images, and what is told of packages.</summary>
    public static TheoryData<string, (string Path, string Text)[], (string Path, string Text)[], string[]> Cases => new()
    {
        {
            "dpkg", [("var/lib/dpkg/status", Dpkg("a", "1") + Dpkg("b", "1") + Dpkg("c", "1") + Dpkg("old", "1", "deinstall ok config-files"))], [("var/lib/dpkg/status", Dpkg("d", "1") + Dpkg("b", "2") + Dpkg("c", "1"))],
            ["dpkg a:amd64: 1 > -", "dpkg b:amd64: 1 > 2", "dpkg d:amd64: - > 1"]
        },
        {
            "status.d", [("var/lib/dpkg/status.d/base", Dpkg("base", "1")), ("var/lib/dpkg/status.d/base.md5sums", Dpkg("no", "1"))], [("var/lib/dpkg/status.d/base", Dpkg("base", "2")), ("var/lib/dpkg/status.d/tz", Dpkg("tz", "1"))],
            ["dpkg base:amd64: 1 > 2", "dpkg tz:amd64: - > 1"]
        },
        {
            "apk", [("lib/apk/db/installed", "C:Q1\nP:musl\nV:1.2-r0\nA:x86_64\n\nP:zlib\nV:1\n")], [("lib/apk/db/installed", "C:Q2\nP:musl\nV:1.2-r1\nA:x86_64\n\nP:zlib\nV:1\n\n")],
            ["apk musl: 1.2-r0 > 1.2-r1"]
        },
        {
            "python", [("usr/lib/python3/site-packages/pip-1.dist-info/METADATA", Python("pip", "1")), ("x/six.egg-info", Python("six", "1"))], [("usr/lib/python3/site-packages/pip-2.dist-info/METADATA", Python("pip", "2")), ("y/e.egg-info/PKG-INFO", Python("e", "1"))],
            ["python e: - > 1", "python pip: 1 > 2", "python six: 1 > -"]
        },
        {
            "npm", [("app/node_modules/a/package.json", Npm("a", "1")), ("app/node_modules/@s/b/package.json", Npm("@s/b", "1")), ("app/package.json", Npm("app", "1"))],
            [("app/node_modules/a/package.json", Npm("a", "1")), ("app/node_modules/c/node_modules/a/package.json", Npm("a", "2")), ("app/node_modules/c/package.json", "no JSON"), ("app/package.json", Npm("app", "2"))],
            ["npm @s/b: 1 > -", "npm a: 1 > 1, 2"]
        },
        { "moved", [("a/p-1.dist-info/METADATA", Python("p", "1"))], [("b/p-1.dist-info/METADATA", Python("p", "1"))], [] },
        { "hostile", [("lib/apk/db/installed", "")], [("lib/apk/db/installed", $"P:\e[2J{new string('x', 500)}\nV:1\u0007\n")], [$"apk ?[2J{new string('x', 196)}…: - > 1?"] },
        { "too many", [("lib/apk/db/installed", "P:a\nV:1\n")], [("lib/apk/db/installed", string.Concat(Enumerable.Range(0, 100_001).Select(i => $"P:{i}\nV:1\n\n")))], [] },
        { "rpm", [("var/lib/rpm/rpmdb.sqlite", "1")], [("var/lib/rpm/rpmdb.sqlite", "2")], [] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Packages_OfADatabase_AreCompared(string kind, (string Path, string Text)[] old, (string Path, string Text)[] @new, string[] expected)
    {
        var diff = await DiffAsync(ImageOf(Of(old)), ImageOf(Of(@new)));
        Assert.Equal(expected, Told(diff.Packages));
        Assert.False(diff.IsSame);
        Assert.Equal(kind is "rpm" or "too many" ? 1 : 0, diff.Notes.Count);
        Assert.Empty((await DiffAsync(ImageOf(Of(old)), ImageOf(Of(old).File("other", "1")))).Notes);
        Assert.Empty((await DiffAsync(ImageOf(Of(old)), ImageOf(Of(old).File("other", "1")))).Packages);
    }

    [Fact]
    public async Task Packages_InLayersBelow_CountForBoth()
    {
        var below = Of([("node_modules/a/package.json", Npm("a", "1"))]);
        var diff = await DiffAsync(ImageOf(below, Of([("x/node_modules/a/package.json", Npm("a", "1"))])), ImageOf(below, Of([("x/node_modules/a/package.json", Npm("a", "2"))])));
        Assert.Equal(["npm a: 1 > 1, 2"], Told(diff.Packages));
    }

    [Fact]
    public async Task Packages_RemovedWithTheirFolder_AreRemoved()
    {
        var below = Of([("app/node_modules/a/package.json", Npm("a", "1")), ("lib/apk/db/installed", "P:x\nV:1\n")]);
        var diff = await DiffAsync(ImageOf(below), ImageOf(below, Blank().File(".wh.app", "").File(".wh.lib", "")));
        Assert.Equal(["apk x: 1 > -", "npm a: 1 > -"], Told(diff.Packages));
    }

    private static TarBytes Of((string Path, string Text)[] files) => files.Aggregate(Blank(), (tar, file) => tar.File(file.Path, file.Text));

    private static string Dpkg(string name, string version, string status = "install ok installed") =>
        $"Package: {name}\nStatus: {status}\nArchitecture: amd64\nVersion: {version}\nDescription: it\n Version: 9\n\n";

    private static string Python(string name, string version) => $"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: other\nVersion: 9\n";

    private static string Npm(string name, string version) => $$"""{"name":"{{name}}","version":"{{version}}"}""";
}
