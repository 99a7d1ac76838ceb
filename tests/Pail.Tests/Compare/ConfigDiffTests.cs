using Pail.Oci;
using Pail.Tests.Images;
using static Pail.Tests.Compare.Diffing;

namespace Pail.Tests.Compare;

/// <summary>Which fields of configs differ, and which images of indexes are compared.</summary>
public sealed class ConfigDiffTests
{
    [Theory]
    [InlineData("{}", "{}", "")]
    [InlineData("""{"created":"2026-01-01T00:00:00Z","history":[{"created_by":"a"}]}""", """{"created":"2026-01-02T00:00:00Z","history":[{"created_by":"b"}]}""", "")]
    [InlineData("""{"config":{"User":"","Env":null,"Cmd":[],"Labels":{}}}""", """{"config":{}}""", "")]
    [InlineData("""{"config":{"Env":["A=1","B=2","C"]}}""", """{"config":{"Env":["B=3","A=1","D="]}}""", "env B: 2 > 3|env C:  > -|env D: - > ")]
    [InlineData("""{"config":{"Entrypoint":["/a"],"User":"1"}}""", """{"config":{"Entrypoint":["/a","-v"],"WorkingDir":"/w"}}""", """entrypoint: ["/a"] > ["/a","-v"]|user: 1 > -|workingdir: - > /w""")]
    [InlineData("""{"config":{"Labels":{"a":"1"},"ExposedPorts":{"80/tcp":{}}}}""", """{"config":{"Labels":{"a":"2"},"Volumes":{"/v":{}}}}""", "label a: 1 > 2|port 80/tcp:  > -|volume /v: - > ")]
    [InlineData("""{"author":"a","variant":"v8"}""", """{"author":"b"}""", "author: a > b|variant: v8 > -")]
    public async Task Config_FieldsThatDiffer_AreTold(string old, string @new, string expected)
    {
        var diff = await DiffAsync(ImageOf(old), ImageOf(@new));
        Assert.Equal(expected, string.Join('|', diff.Config.Select(field => $"{field.Field}: {field.Old ?? "-"} > {field.New ?? "-"}")));
        Assert.Equal(expected.Length == 0, diff.IsSame);
    }

    [Theory]
    [InlineData(null, "index", "index", "~ a: content")]
    [InlineData("linux/arm64", "index", "index", "~ b: content")]
    [InlineData(null, "arm64", "index", "~ b: content")]
    [InlineData(null, "index", "arm64", "~ b: content")]
    public async Task Index_OfPlatforms_IsComparedForTheOneThatFits(string? platform, string old, string @new, string expected)
    {
        var here = ImageBytes.Architecture == "amd64";
        var diff = await DiffAsync(Of(old, "1"), Of(@new, "2"), platform is null ? null : Platform.Parse(platform));
        Assert.Equal(here || platform is not null || old != @new ? [expected] : ["~ b: content"], Told(diff.Files));
    }

    [Theory]
    [InlineData("index", "linux/s390x")]
    [InlineData("arm64", "linux/amd64")]
    public async Task Platform_ThatOneHasNot_IsNotFound(string kind, string platform) =>
        Assert.Equal(Failure.NotFound, (await Assert.ThrowsAnyAsync<PailException>(() => DiffAsync(Of("index", "1"), Of(kind, "2"), Platform.Parse(platform)))).Failure);

    private static MemoryImage Of(string kind, string content)
    {
        var image = new MemoryImage();
        var amd = Add(image, "{}", "amd64", Blank().File("a", content));
        var arm = Add(image, "{}", "arm64", Blank().File("b", content));
        if (kind == "index")
            image.AddIndex((amd.Descriptor, "amd64"), (arm.Descriptor, "arm64"));
        return image;
    }
}
