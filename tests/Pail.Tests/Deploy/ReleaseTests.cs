using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Deploy;

/// <summary>The files of a release: what they hold, and that Debian 12 and 13 install, upgrade and remove the package.</summary>
[NeedsServers]
[Trait("Category", "Long")]
public sealed partial class ReleaseTests(ReleasedFiles files) : IClassFixture<ReleasedFiles>, IDisposable
{
    private readonly TestFolder _shared = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Release_MadeTwice_HasTheSameBytes()
    {
        var (first, second) = (await files.FolderAsync, await files.AgainAsync());
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(first, "SHA256SUMS"), Cancel), await File.ReadAllTextAsync(Path.Combine(second, "SHA256SUMS"), Cancel));
    }

    [Fact]
    public async Task Release_Sums_AreThoseOfAllFiles()
    {
        var folder = await files.FolderAsync;
        var sums = (await File.ReadAllLinesAsync(Path.Combine(folder, "SHA256SUMS"), Cancel)).Select(line => line.Split("  ")).ToDictionary(parts => parts[1], parts => parts[0]);
        Assert.Equal(Directory.EnumerateFiles(folder).Select(Path.GetFileName).Except(["SHA256SUMS"]).Order(), sums.Keys.Order());
        Assert.All(sums, sum => Assert.Equal(sum.Value, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, sum.Key))))));
    }

    [Fact]
    public async Task NativeFile_NeedsNoNewerGlibcThanDocumented()
    {
        var file = await NativeAsync();
        var versions = Glibc().Matches((await Child.RunAsync("objdump", ["-T", file])).Succeeded().Output).Select(match => Version.Parse(match.Groups[1].Value)).Max();
        Assert.True(versions <= new Version(2, 31), $"It needs glibc {versions}; docs/install.md and the package say 2.31.");
        Assert.StartsWith("pail ", (await Child.RunAsync(file, ["--version"])).Succeeded().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BillOfMaterials_NamesWhatIsLocked()
    {
        var folder = await files.FolderAsync;
        using var bill = JsonDocument.Parse(await File.ReadAllBytesAsync(Directory.EnumerateFiles(folder, "*.cdx.json").Single(), Cancel));
        using var locked = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(TestEnvironment.Sources, "src/Pail.Cli/packages.lock.json"), Cancel));
        var components = bill.RootElement.GetProperty("components").EnumerateArray().Select(part => $"{part.GetProperty("name")} {part.GetProperty("version")}").ToList();
        var packages = locked.RootElement.GetProperty("dependencies").GetProperty("net10.0").EnumerateObject()
            .Where(item => item.Value.GetProperty("type").GetString() != "Project" && item.Name != "Meziantou.Analyzer").Select(item => $"{item.Name} {item.Value.GetProperty("resolved")}");
        Assert.Equal(packages.Order(StringComparer.Ordinal), components.Where(part => !part.StartsWith(".NET", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains(components, part => part.StartsWith(".NET runtime", StringComparison.Ordinal));
        Assert.All(bill.RootElement.GetProperty("components").EnumerateArray(), part => Assert.True(part.TryGetProperty("licenses", out _), part.ToString()));
    }

    [Theory]
    [InlineData("bookworm")]
    [InlineData("trixie")]
    public async Task DebianPackage_InstalledServedUpgradedPurged_LeavesOnlyImages(string suite)
    {
        var folder = await files.FolderAsync;
        File.Copy(Directory.EnumerateFiles(folder, "*.deb").Single(), _shared["pail_1.deb"]);
        // The next version: the same files with another number.
        (await Child.RunAsync("bash", ["-euc", """
            cd "$0"
            dpkg-deb -R pail_1.deb next
            sed -i 's/^Version: .*/Version: 99.0/' next/DEBIAN/control
            dpkg-deb --root-owner-group -b next pail_2.deb
            rm -r next
            """, _shared.Path])).Succeeded();
        var layout = new TestLayout(_shared["layout"]);
        layout.Tag(layout.ImageOf(100_000, 20 << 20));
        var root = new Dictionary<string, string?>
        {
            ["DEBIAN_ROOT_SUITE"] = suite,
            ["DEBIAN_ROOT_PACKAGES"] = "systemd init-system-helpers libssl3 ca-certificates curl skopeo man-db",
            ["DEBIAN_ROOT_SHARED"] = _shared.Path,
        };
        (await Child.RunAsync(Eng("debian-root"), ["make"], root)).Succeeded();
        var ran = await Child.RunAsync(Eng("debian-root"), ["run", "bash", Path.Combine(TestEnvironment.Sources, "tests/Pail.Tests/Deploy/package-life.sh"), _shared.Path, FreePort.Take().ToString()], root);
        Assert.EndsWith("whole life passed\n", ran.Succeeded().Output, StringComparison.Ordinal);
    }

    public void Dispose() => _shared.Dispose();

    private static string Eng(string script) => Path.Combine(TestEnvironment.Sources, "eng", script);

    private async Task<string> NativeAsync()
    {
        await using var packed = new GZipStream(File.OpenRead(Directory.EnumerateFiles(await files.FolderAsync, "*-linux-x64.tar.gz").Single()), CompressionMode.Decompress);
        await TarFile.ExtractToDirectoryAsync(packed, _shared.Path, overwriteFiles: true, Cancel);
        return _shared["pail"];
    }

    [GeneratedRegex("GLIBC_(?<version>[0-9.]+)", RegexOptions.NonBacktracking)]
    private static partial Regex Glibc();
}
