using System.Text;
using Pail.Oci;
using Pail.Retention;

namespace Pail.Tests.Retention;

public sealed class InUseListTests
{
    private static readonly Digest One = Digest.Of([1]);
    private static readonly Digest Two = Digest.Of([2]);

    [Fact]
    public async Task Read_Lines_AreReferencesOfAnyHost()
    {
        var list = await ReadAsync($"""
            # kubectl get pods -A -o jsonpath=...
            registry.example.com:5000/team/app:1.0 other:2
            docker.io/library/alpine
            localhost/own@{One}
            whale.s3.amazonaws.com/cow:9@{Two}
            """);
        Assert.Equal(5, list.Count);
        Assert.True(Uses(list, "team/app", "1.0"));
        Assert.True(Uses(list, "app", "1.0"));
        Assert.True(Uses(list, "other", "2"));
        Assert.True(Uses(list, "library/alpine", "latest"));
        Assert.True(Uses(list, "cow", "9"));
        Assert.True(Uses(list, "elsewhere", "x", One));
        Assert.True(Uses(list, "elsewhere", "x", Two));
        Assert.False(Uses(list, "team/app", "1"));
        Assert.False(Uses(list, "pp", "1.0"));
        Assert.False(Uses(list, "own", "latest"));
        Assert.Empty(list.Unclear);
    }

    [Fact]
    public async Task Read_Pods_FindsImagesAndIds()
    {
        var list = await ReadAsync($$$"""
            {"apiVersion":"v1","kind":"List","items":[{"metadata":{"name":"image","labels":{"app":"x:1"}},
              "spec":{"containers":[{"name":"a","image":"r.example.com/team/app:1.0"}],"initContainers":[{"image":"team/init:2"}],
                      "volumes":[{"image":{"reference":"r.example.com/team/model:3","pullPolicy":"Always"}}]},
              "status":{"containerStatuses":[{"image":"r.example.com/team/app:1.0","imageID":"docker-pullable://r.example.com/team/app@{{{One}}}"},{"image":"sha256:4b","imageID":""}],
                        "ephemeralContainerStatuses":[{"imageID":"{{{Two}}}"}]}}]}
            """);
        Assert.True(Uses(list, "team/app", "1.0"));
        Assert.True(Uses(list, "team/init", "2"));
        Assert.True(Uses(list, "team/model", "3"));
        Assert.True(Uses(list, "x", "y", One));
        Assert.True(Uses(list, "x", "y", Two));
        Assert.False(Uses(list, "x", "1"));
        Assert.Equal(["sha256:4b"], list.Unclear);
    }

    [Fact]
    public async Task Read_DockerPsLines_InspectAndNomad_AreRead()
    {
        var ps = await ReadAsync("""
            {"ID":"0123456789ab","Image":"team/app:1.0","Names":"x"}
            {"ID":"0123456789ac","Image":"4b1f2c3d4e5f","Names":"y"}
            """);
        Assert.True(Uses(ps, "team/app", "1.0"));
        Assert.Equal(["4b1f2c3d4e5f"], ps.Unclear);
        var inspect = await ReadAsync($$$"""[{"Id":"x","Image":"{{{One}}}","Config":{"Image":"team/app:2"}},{"RepoTags":["a:1","b:2"],"RepoDigests":["a@{{{Two}}}"]}]""");
        Assert.True(Uses(inspect, "team/app", "2"));
        Assert.True(Uses(inspect, "b", "2"));
        Assert.True(Uses(inspect, "q", "q", One));
        Assert.True(Uses(inspect, "q", "q", Two));
        var nomad = await ReadAsync("""{"Job":{"TaskGroups":[{"Tasks":[{"Driver":"docker","Config":{"image":"r:5000/team/app:7","ports":["http"]}}]}]}}""");
        Assert.True(Uses(nomad, "team/app", "7"));
        Assert.Equal(1, nomad.Count);
        var list = await ReadAsync("""["team/app:8","team/app:9"]""");
        Assert.True(Uses(list, "team/app", "9"));
        var jq = await ReadAsync("\ufeff\n\"team/app:8\"\n\"team/app:9\"\n");
        Assert.True(Uses(jq, "team/app", "8") && Uses(jq, "team/app", "9"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n\n# nothing\n")]
    [InlineData("{\"items\":[]}")]
    [InlineData("{\"items\":[")]
    [InlineData("CONTAINER ID   IMAGE   COMMAND\n")]
    [InlineData("error: the server doesn't have a resource type\n")]
    [InlineData("team/app:1.0\n<none>\n")]
    [InlineData("4b1f2c3d4e5f\n")]
    [InlineData("{\"image\": tru")]
    public async Task Read_NoList_IsAnError(string text) => Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => ReadAsync(text))).Failure);

    [Fact]
    public async Task Read_LargeJsonInPieces_IsTheSame()
    {
        var text = $"{{\"items\":[{string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"{{\"x\":\"{new string('y', i % 300)}\",\"image\":\"r.io/team/app{i}:{i}\"}}"))}]}}";
        var list = await InUseList.ReadAsync(new TrickleStream(Encoding.UTF8.GetBytes(text), 1000), "list", TestContext.Current.CancellationToken);
        Assert.Equal(20_000, list.Count);
        Assert.True(Uses(list, "team/app19999", "19999"));
    }

    private static bool Uses(InUseList list, string repository, string tag, params Digest[] digests) => list.Uses(RepositoryName.Parse(repository), tag, digests);

    private static Task<InUseList> ReadAsync(string text) => InUseList.ReadAsync(new TrickleStream(Encoding.UTF8.GetBytes(text), 7), "list", TestContext.Current.CancellationToken);

    private sealed class TrickleStream(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
