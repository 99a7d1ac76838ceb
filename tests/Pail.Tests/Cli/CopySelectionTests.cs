using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.Cli;
using Pail.Cli.Commands;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tests.Images;

namespace Pail.Tests.Cli;

/// <summary>Many images in one command: of a file, and by their age.</summary>
[Trait("Also", "Native")]
public sealed class CopySelectionTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string Bucket => $"file:{_folder["bucket"]}";

    private string Other => $"file:{_folder["other"]}";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task FromFile_WithABadLine_CopiesTheOthersAndSaysWhichFailed()
    {
        var (one, two) = (await PushAsync("team/one:1", 1), await PushAsync("two:2", 2));
        await PushAsync("gone:1", 3);
        (await Command.RunAsync("init", Other)).Ended(0);
        await File.WriteAllTextAsync(_folder["list"], $"""
            # what we need
            {Bucket}//team/one:1

              {Bucket}//no/such:1
            s3:/odd
            {Bucket}//two@{two}
            """, TestContext.Current.CancellationToken);
        var ran = (await Command.RunAsync("copy", "--json", "--from-file", _folder["list"], Other)).Ended(ExitCode.NotFound);
        var result = JsonNode.Parse(ran.Output)!;
        Assert.Equal([$"{Other}//team/one:1", $"{Other}//two@{two}"], result["images"]!.AsArray().Select(image => (string)image!["destination"]!));
        Assert.Equal([$"{Bucket}//no/such:1", "s3:/odd"], result["failed"]!.AsArray().Select(failed => (string)failed!["source"]!));
        Assert.Contains("pail: line 4: ", ran.Error, StringComparison.Ordinal);
        Assert.Contains("pail: line 5: ", ran.Error, StringComparison.Ordinal);
        Assert.Contains("pail: 2 of 4 images not copied", ran.Error, StringComparison.Ordinal);
        Assert.Equal([one], (await Command.RunAsync("digest", $"{Other}//team/one:1")).Ended(0).Lines);
        (await Command.RunAsync("digest", $"{Other}//gone:1")).Ended(ExitCode.NotFound);
    }

    [Fact]
    public async Task FromFile_IntoALayout_GivesEachItsWholeName()
    {
        var one = await PushAsync("team/one:1", 1);
        await File.WriteAllTextAsync(_folder["list"], $"{Bucket}//team/one:1\r\n", TestContext.Current.CancellationToken);
        (await Command.RunAsync("copy", "--from-file", _folder["list"], $"oci:{_folder["layout"]}")).Ended(0);
        Assert.Equal([one], (await Command.RunAsync("digest", $"oci:{_folder["layout"]}:team/one:1")).Ended(0).Lines);
    }

    [Fact]
    public async Task FromFile_OfStdin_NamesPlacesAndSeesWhatCollides()
    {
        var terminal = new Terminal(Stream.Null, TextWriter.Null) { Input = new StringReader("docker://one.example/app:1\ndocker://alpine\ndocker://two.example/app:1\n") };
        var items = await ReferenceFile.ReadAsync(terminal, "-", "docker://mirror.example/all/", TestContext.Current.CancellationToken);
        Assert.Equal("docker://mirror.example/all/app:1", items[0].Resolve().To.ToString());
        Assert.Equal("docker://mirror.example/all/alpine:latest", items[1].Resolve().To.ToString());
        Assert.Contains("line 1", Assert.Throws<PailException>(() => items[2].Resolve()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DESTINATION is missing", "copy", "oci:a")]
    [InlineData("takes the place of SOURCE", "copy", "--from-file", "list", "oci:a", "s3://acme")]
    [InlineData("excludes --tags", "copy", "--from-file", "list", "--tags", "*", "s3://acme")]
    [InlineData("--since is for --tags", "copy", "--since", "7d", "oci:a", "s3://acme")]
    [InlineData("is no time", "copy", "--tags", "*", "--since", "soon", "s3://a-b/c", "s3://acme")]
    [InlineData("it is a folder", "copy", "--from-file", "/", "s3://acme")]
    [InlineData("for many images", "copy", "--from-file", "list", "s3://acme/app")]
    [InlineData("for many images", "copy", "--from-file", "list", "docker://host.example/app")]
    public async Task BadUse_IsExplained(string says, params string[] arguments) =>
        Assert.Contains(says, (await Command.RunAsync(arguments)).Ended(ExitCode.BadUsage).OneLine(), StringComparison.Ordinal);

    [Fact]
    public async Task Since_WithTags_CopiesWhatWasMadeSince()
    {
        await PushAsync("app:old", 1, "2020-01-01T00:00:00Z");
        await PushAsync("app:new", 2, "2026-01-01T00:00:00.5Z");
        await PushAsync("app:silent", 3);
        (await Command.RunAsync("init", Other)).Ended(0);
        var ran = (await Command.RunAsync("copy", "--tags", "*", "--since", "2026-01-01", $"{Bucket}//app", Other)).Ended(0);
        Assert.Contains("1 of 3 matching tags made since 2026-01-01 00:00:00 UTC; 1 left out", ran.Error, StringComparison.Ordinal);
        Assert.Equal(["new"], (await Command.RunAsync("tags", $"{Other}//app")).Ended(0).Lines);

        var none = (await Command.RunAsync("copy", "--json", "--explain-cost", "--tags", "*", "--since", "2027-01-01", $"{Bucket}//app", Other)).Ended(0);
        var json = JsonNode.Parse(none.Output)!;
        Assert.Empty(json["images"]!.AsArray());
        // The bucket's settings; and a manifest and a config for each tag.
        Assert.Equal((1, 7), ((int)json["requests"]!["classA"]!, (int)json["requests"]!["classB"]!));
    }

    [Theory]
    [InlineData("30m", "2026-03-01T11:30:00Z")]
    [InlineData("12h", "2026-03-01T00:00:00Z")]
    [InlineData("1d", "2026-02-28T12:00:00Z")]
    [InlineData("9999w", "1834-07-13T12:00:00Z")]
    [InlineData("2026-01-31", "2026-01-31T00:00:00Z")]
    [InlineData("2026-01-31T10:00+02:00", "2026-01-31T08:00:00Z")]
    [InlineData("-1d", null)]
    [InlineData("99999w", null)]
    [InlineData("7", null)]
    [InlineData("d", null)]
    [InlineData("2026-13-01", null)]
    public void Since_OfAText_IsThatTime(string text, string? expected) => Assert.Equal(
        expected is null ? null : DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture),
        SinceOption.Parse(text, new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)));

    // Pushes an image, and returns its digest.
    private async Task<string> PushAsync(string name, int seed, string? created = null)
    {
        var image = new MemoryImage();
        var config = image.Add(JsonSerializer.SerializeToUtf8Bytes(new { os = "linux", architecture = "amd64", created, author = $"{seed}" }), MediaTypes.OciConfig);
        image.AddManifest(ImageBuilder.ManifestOf(config, [image.Add(ImageBytes.Gzip(ImageBytes.Layer(new Random(seed), 100)), MediaTypes.OciLayerGzip)]));
        await using (var layout = new OciLayoutSink(_folder[$"layout-{seed}"], "x"))
            await Copying.RunAsync(image, layout);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        (await Command.RunAsync("push", $"oci:{_folder[$"layout-{seed}"]}:x", $"{Bucket}//{name}")).Ended(0);
        return image.Root!.Digest.ToString();
    }
}
