using System.Text.Json.Nodes;
using Pail.Cli;
using Pail.OciLayout;
using Pail.Tests.Compare;
using Pail.Tests.Images;

namespace Pail.Tests.Cli;

/// <summary>What <c>pail diff</c> writes, and how it ends.</summary>
[Trait("Also", "Native")]
public sealed class DiffCommandTests : BucketCommands
{
    private const string Npm = "app/node_modules/a/package.json";

    [Fact]
    public async Task Diff_OfTwoImages_ListsWhatDiffers()
    {
        var (old, @new) = ((await LayoutAsync("old", Old())).Root!.Layers, (await LayoutAsync("new", New())).Root!.Layers);

        var ran = (await Command.RunAsync("diff", Layout("old"), Layout("new"))).Ended(ExitCode.Different);

        Assert.Equal("", ran.Error);
        Assert.Equal(
            [
                "config", "  ~ env A  1 -> 2", "  - user  1",
                $"layers: 1 ({ByteSize.Format(old[0].Size)}) in both", $"  - {old[1].Digest}  {ByteSize.Format(old[1].Size)}", $"  + {@new[1].Digest}  {ByteSize.Format(@new[1].Size)}",
                "packages", "  ~ npm a  1.0 -> 1.1",
                "files: 3 files (5 B) added, 1 file (1 B) removed, 2 changed", "  ~ app/node_modules/a/package.json  28 B  content", "  - gone  1 B", "  + n  2 B", "  + new/  with 2 files (3 B)", "  ~ run  mode",
            ],
            ran.Lines);
        var all = (await Command.RunAsync("diff", "--all", Layout("old"), Layout("new"))).Ended(ExitCode.Different).Lines;
        Assert.Equal(["  + new/", "  + new/a  1 B", "  + new/b  2 B"], all.SkipWhile(line => !line.Contains("new/", StringComparison.Ordinal)).Take(3));
    }

    [Fact]
    public async Task Diff_AsJson_HasAllOfIt()
    {
        var (old, @new) = (await LayoutAsync("old", Old()), await LayoutAsync("new", New()));

        var json = JsonNode.Parse((await Command.RunAsync("diff", "--json", Layout("old"), Layout("new"))).Ended(ExitCode.Different).Output)!;

        Assert.Equal((old.Root!.Digest.ToString(), @new.Root!.Digest.ToString(), false), ((string)json["oldDigest"]!, (string)json["newDigest"]!, (bool)json["same"]!));
        Assert.Equal(["env A", "user"], json["config"]!.AsArray().Select(field => (string)field!["field"]!));
        Assert.Equal(old.Root.Layers[1].Digest.ToString(), (string)json["layers"]!["removed"]![0]!["digest"]!);
        Assert.Equal("""[{"kind":"npm","name":"a","old":"1.0","new":"1.1"}]""", json["packages"]!.ToJsonString());
        Assert.Equal(
            ["changed app/node_modules/a/package.json", "removed gone", "added n", "added new/", "added new/a", "added new/b", "changed run"],
            json["files"]!.AsArray().Select(file => $"{file!["change"]} {file["path"]}"));
        Assert.Equal("""{"path":"run","change":"changed","oldSize":1,"newSize":1,"what":["mode"]}""", json["files"]![6]!.ToJsonString());
        Assert.Empty(json["notes"]!.AsArray());
    }

    [Fact]
    public async Task Diff_OfTheSame_EndsWithZeroWhateverTheAddress()
    {
        await LayoutAsync("old", Old());
        await LayoutAsync("new", New());
        (await Command.RunAsync("init", Bucket)).Ended(0);
        foreach (var name in (string[])["old", "new"])
        {
            (await Command.RunAsync("push", Layout(name), $"{Bucket}//app:{name}")).Ended(0);
            (await Command.RunAsync("copy", Layout(name), $"oci-archive:{Folder[name + ".tar"]}:1")).Ended(0);
            (await Command.RunAsync("copy", Layout(name), $"docker-archive:{Folder[name + ".docker"]}:app:{name}")).Ended(0);
            (await Command.RunAsync("copy", Layout(name), $"dir:{Folder[name + ".dir"]}")).Ended(0);
            (await Command.RunAsync("copy", "--compression", "zstd", Layout(name), $"oci:{Folder[name + ".zstd"]}:1")).Ended(0);
        }
        string[] Places(string name) => [Layout(name), $"{Bucket}//app:{name}", $"oci-archive:{Folder[name + ".tar"]}:1", $"docker-archive:{Folder[name + ".docker"]}:app:{name}", $"dir:{Folder[name + ".dir"]}", $"oci:{Folder[name + ".zstd"]}:1"];
        string? differences = null;
        foreach (var (old, @new) in Places("old").Zip(Places("new").Reverse()))
        {
            var same = (await Command.RunAsync("diff", Layout("old"), old)).Ended(ExitCode.Ok);
            Assert.Equal("", same.Output);
            Assert.Contains("same", same.Error, StringComparison.Ordinal);
            Assert.Equal("", (await Command.RunAsync("diff", "-q", Layout("old"), old)).Ended(ExitCode.Ok).Error);
            var ran = JsonNode.Parse((await Command.RunAsync("diff", "--json", old, @new)).Ended(ExitCode.Different).Output)!["files"]!.ToJsonString();
            Assert.Equal(differences ??= ran, ran);
        }
    }

    [Fact]
    public async Task Diff_OfIndexes_TakesAPlatform()
    {
        foreach (var name in (string[])["old", "new"])
        {
            var image = new MemoryImage();
            image.AddIndex(
                (Diffing.Add(image, "{}", "amd64", Diffing.Blank().File("a", name)).Descriptor, "amd64"),
                (Diffing.Add(image, "{}", "arm64", Diffing.Blank().File("a", "same")).Descriptor, "arm64"));
            await LayoutAsync(name, image);
        }
        Assert.Contains("  ~ a  3 B  content", (await Command.RunAsync("diff", "--platform", "linux/amd64", Layout("old"), Layout("new"))).Ended(ExitCode.Different).Lines);
        (await Command.RunAsync("diff", "--platform", "linux/arm64", Layout("old"), Layout("new"))).Ended(ExitCode.Ok);
        (await Command.RunAsync("diff", "--platform", "linux/s390x", Layout("old"), Layout("new"))).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task Diff_OfNamesThatStrangersChose_WritesNoneOfTheirControls()
    {
        const string Hostile = "\e[2J\u009b\u0007\r";
        await LayoutAsync("old", Diffing.ImageOf());
        var tar = new TarBytes { Format = System.Formats.Tar.TarEntryFormat.Pax }.File($"f{Hostile}", "1").Folder($"d{Hostile}/").File($"d{Hostile}/\n", "1").Link("l", Hostile)
            .File($"x/node_modules/y/package.json", new JsonObject { ["name"] = Hostile + "\n", ["version"] = Hostile }.ToJsonString());
        // A byte that is no UTF-8.
        tar.Raw([.. TarBytes.Header("?", '0', 0)]);
        var fields = new JsonObject { ["author"] = Hostile, ["config"] = new JsonObject { ["Env"] = new JsonArray($"A{Hostile}\n=1\n"), ["Labels"] = new JsonObject { [Hostile] = Hostile } } };
        await LayoutAsync("new", Diffing.ImageOf(fields.ToJsonString(), tar));

        foreach (var arguments in (string[][])[[], ["--all"], ["--json"]])
        {
            var ran = (await Command.RunAsync(["diff", .. arguments, Layout("old"), Layout("new")])).Ended(ExitCode.Different);
            Assert.DoesNotContain(ran.Output.Replace("\n", "", StringComparison.Ordinal), char.IsControl);
            Assert.All(ran.Lines, line => Assert.True(arguments.Contains("--json") || line[0] != ' ' || line[..4] is "  + " or "  - ", line));
        }
    }

    [Fact]
    public async Task Diff_OfWhatIsNoImageOrNotThere_SaysSo()
    {
        await LayoutAsync("old", Old());
        await LayoutAsync("artifact");
        (await Command.RunAsync("diff", Layout("old"), Layout("artifact"))).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("diff", Layout("old"), Layout("none"))).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("diff", Layout("old"))).Ended(ExitCode.BadUsage).OneLine();
    }

    private string Layout(string name) => $"oci:{Folder[name]}:1";

    private async Task<MemoryImage> LayoutAsync(string name, MemoryImage image)
    {
        await Copying.RunAsync(image, new OciLayoutSink(Folder[name], "1"));
        return image;
    }

    private static MemoryImage Old() => Diffing.ImageOf(
        """{"config":{"Env":["A=1","B=1"],"User":"1"}}""",
        Diffing.Blank().File("base", "1"), Diffing.Blank().File(Npm, """{"name":"a","version":"1.0"}""").File("gone", "1").File("run", "1"));

    private static MemoryImage New() => Diffing.ImageOf(
        """{"created":"2026-01-01T00:00:00Z","config":{"Env":["B=1","A=2"]}}""",
        Diffing.Blank().File("base", "1"),
        Diffing.Blank().File(Npm, """{"name":"a","version":"1.1"}""").File("n", "12").Folder("new/").File("new/a", "1").File("new/b", "12")
            .Add(System.Formats.Tar.TarEntryType.RegularFile, "run", entry => (entry.Mode, entry.DataStream) = (UnixFileMode.UserExecute, new MemoryStream("1"u8.ToArray()))));
}
