using System.Text;
using System.Text.Json;
using Pail.Oci;
using Pail.Remote;
using Pail.Remote.Http;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>Lists of tags as registries give them: a list is whole, or an error.</summary>
public sealed class TagListTests : IDisposable
{
    private readonly RegistryKit _kit;
    private readonly List<string> _warnings = [];

    public TagListTests() => _kit = new() { Options = new() { Warn = _warnings.Add } };

    public void Dispose() => _kit.Dispose();

    [Theory]
    [InlineData("{\"name\":\"team/app\",\"tags\":[\"a\",\"b\"]}", "a b", null)]
    [InlineData("{\"tags\":[\"a\",\"a\",\"b\"]}", "a b", null)]
    [InlineData("{\"name\":\"team/app\",\"tags\":null}", "", null)]
    [InlineData("{\"tags\":null}", "", null)]
    [InlineData("{\"name\":\"team/app\"}", "", null)]
    [InlineData("{\"tags\":[\"a\",\"sha256:0123\",\"b\"]}", "a b", "1 entry that is no tag and was left out, such as 'sha256:0123'")] // Artifactory
    [InlineData("{\"tags\":[\"-x\",\"a\",\".y\",\"\"]}", "a", "3 entries that are no tags and were left out, such as '-x'")] // ECR Public
    [InlineData("{\"tags\":[\"a\",null,7,\"../../etc/passwd\",\"a\\u001b[2J\"]}", "a", "4 entries")]
    public async Task List_OnePage_IsAllThatAreTags(string page, string expected, string? warning)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes(page)));
        Assert.Equal(expected, string.Join(' ', await ListAsync(server)));
        Assert.Single(server.Requests);
        if (warning is null)
            Assert.Empty(_warnings);
        else
            Assert.Contains(warning, Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.DoesNotContain(string.Concat(_warnings), char.IsControl);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"tags\"")]
    [InlineData("{\"tags\":\"a\"}")]
    [InlineData("{\"tags\":{}}")]
    [InlineData("{\"errors\":[{\"code\":\"UNKNOWN\"}]}")]
    [InlineData("{\"tags\":[\"\\ud800\"]}")]
    [InlineData("<html>")]
    [InlineData("")]
    public async Task List_NoList_IsAnError(string page)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes(page)));
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => ListAsync(server))).Failure);
    }

    [Theory]
    [InlineData("Link: </v2/team/app/tags/list?n=1&last=a>; rel=\"next\"")]
    [InlineData("Link: <http://HOST/v2/team/app/tags/list?n=1&last=a>; rel=\"next\"")]
    [InlineData("Link: <http://127.0.0.1:1/v2/team/app/tags/list?n=1&last=a>; rel=\"next\"")] // another port of the same host: as it knows itself
    [InlineData("Link: <https://127.0.0.1/v2/team/app/tags/list?n=1&last=a>; rel=\"next\"")]
    [InlineData("Link: <?n=1&last=a>;rel=next")]
    [InlineData("Link: <list?n=1&last=a>")]
    [InlineData("link: </v2/team/app/tags/list?n=1&last=a> ; title=\"a, b; c\" ; REL=\"Next\"")]
    [InlineData("Link: </docs>; rel=\"help\"\r\nLink: </v2/team/app/tags/list?n=1&last=a>; rel=\"next\"")]
    [InlineData("Link: </docs>; rel=\"help\", </v2/team/app/tags/list?n=1&last=a>; rel=\"last next\", </x>; rel=prev")]
    [InlineData("Link: </v2/team/app/tags/list?n=1&last=a&x=(1,2;3)>; rel='next'")]
    [InlineData("Link: /v2/team/app/tags/list?n=1&last=a; rel=\"next\"")]
    public async Task List_NextPage_IsFound(string link)
    {
        RawServer? self = null;
        await using var server = self = new RawServer((request, stream, _) => request.Path.Contains("last=a", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", "", "{\"tags\":[\"b\"]}"u8.ToArray())
            : RawServer.WriteAsync(stream, "200 OK", $"{link.Replace("HOST", self!.Host, StringComparison.Ordinal)}\r\n", "{\"tags\":[\"a\"]}"u8.ToArray()));
        Assert.Equal(["a", "b"], await ListAsync(server));
        Assert.Equal(2, server.Requests.Count);
    }

    [Theory]
    [InlineData("Link: </v2/team/app/tags/list?last=a; rel=\"next\"", "can't be read")]
    [InlineData("Link: <>; rel=\"next\"", "can't be read")]
    [InlineData("Link: <https://elsewhere.example/v2/team/app/tags/list>; rel=\"next\"", "on another host")]
    [InlineData("Link: </v2/team/app/tags/list?n=1000>; rel=\"next\"", "without end")] // the same again
    public async Task List_NextPageThatCannotBeAskedFor_IsAnError(string link, string says)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", $"{link}\r\n", "{\"tags\":[\"a\"]}"u8.ToArray()));
        var error = await Assert.ThrowsAnyAsync<PailException>(() => ListAsync(server));
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("</x>; rel=help", true, null)]
    [InlineData("</x>; rel=preload, </y>; rel=prev", true, null)]
    [InlineData("</a>, </b>", true, null)]
    [InlineData("</a>; rel=\"next", true, "/a")]
    [InlineData("", true, null)]
    [InlineData("next", true, "next")]
    [InlineData("<next", false, null)]
    public void Link_Parsed_IsWhatWasMeant(string line, bool isWhole, string? expected)
    {
        Assert.Equal(isWhole, LinkHeader.TryFindNext([line], out var next));
        Assert.Equal(expected, next);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    public async Task List_PagesThatBringNothing_AreReadOnButNotForEver(int empty)
    {
        var asked = 0;
        await using var server = new RawServer((_, stream, _) => ++asked <= empty
            ? RawServer.WriteAsync(stream, "200 OK", $"Link: </v2/team/app/tags/list?page={asked}>; rel=\"next\"\r\n", "{\"tags\":[]}"u8.ToArray())
            : RawServer.WriteAsync(stream, "200 OK", "", "{\"tags\":[\"a\"]}"u8.ToArray()));
        if (empty == 1)
            Assert.Equal(["a"], await ListAsync(server));
        else
            Assert.Contains("without end", (await Assert.ThrowsAnyAsync<PailException>(() => ListAsync(server))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("400 Bad Request", 100, "n=1000 n=100")] // CNCF Distribution 3 with a limit
    [InlineData("413 Content Too Large", 100, "n=1000 n=100")]
    [InlineData("422 Unprocessable Content", 0, "n=1000 n=100 ")]
    [InlineData("500 Internal Server Error", 0, "n=1000 n=100 ")]
    [InlineData("501 Not Implemented", 0, "n=1000 n=100 ")]
    public async Task List_NumberIsRefused_AsksForLess(string refusal, int most, string expected)
    {
        await using var server = new RawServer((request, stream, _) => Number(request) > most
            ? RawServer.WriteAsync(stream, refusal, "", "{\"errors\":[{\"code\":\"PAGINATION_NUMBER_INVALID\"}]}"u8.ToArray())
            : RawServer.WriteAsync(stream, "200 OK", "", "{\"tags\":[\"a\"]}"u8.ToArray()));
        Assert.Equal(["a"], await ListAsync(server));
        Assert.Equal(expected, string.Join(' ', server.Requests.Select(request => request.Path.Split('?') is [_, var query] ? query : "")));
    }

    [Theory]
    [InlineData("403 Forbidden", Failure.Denied)]
    [InlineData("404 Not Found", Failure.NotFound)]
    public async Task List_RefusedAltogether_IsAskedForOnce(string refusal, Failure failure)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, refusal, "", default));
        Assert.Equal(failure, (await Assert.ThrowsAnyAsync<PailException>(() => ListAsync(server))).Failure);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(1000, 2510, 3)] // as many as asked for
    [InlineData(1000, 2000, 3)]
    [InlineData(100, 250, 4)] // its own limit; the last page, of 50, may be cut as well
    [InlineData(100, 240, 3)]
    [InlineData(3000, 1000, 2)] // all there are
    [InlineData(3000, 999, 1)]
    public async Task List_FullPageWithoutLink_IsNotTakenForTheEnd(int most, int count, int requests)
    {
        var tags = Enumerable.Range(0, count).Select(number => $"v{number:0000}").ToList();
        await using var server = new RawServer((request, stream, _) =>
        {
            var last = request.Path.Split("last=") is [_, var tag] ? tag : "";
            var page = tags.Where(tag => string.CompareOrdinal(tag, last) > 0).Take(Math.Min(most, Number(request)));
            return RawServer.WriteAsync(stream, "200 OK", "", JsonSerializer.SerializeToUtf8Bytes(new { tags = page }));
        });
        Assert.Equal(tags, await ListAsync(server));
        Assert.Equal(requests, server.Requests.Count);
    }

    [Fact]
    public async Task List_RegistryThatKnowsNoPages_EndsWhereItRepeats()
    {
        var tags = Enumerable.Range(0, 1500).Select(number => $"v{number}").ToList();
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", JsonSerializer.SerializeToUtf8Bytes(new { tags })));
        Assert.Equal(tags, await ListAsync(server));
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task List_LaterPageFails_IsAnError()
    {
        await using var server = new RawServer((request, stream, _) => request.Path.Contains("last=", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "400 Bad Request", "", default)
            : RawServer.WriteAsync(stream, "200 OK", "Link: </v2/team/app/tags/list?last=a>; rel=\"next\"\r\n", "{\"tags\":[\"a\"]}"u8.ToArray()));
        await Assert.ThrowsAnyAsync<PailException>(() => ListAsync(server));
    }

    private static int Number(RawRequest request) => request.Path.Split("n=") is [_, var rest] ? int.Parse(rest.Split('&')[0]) : 0;

    private async Task<List<string>> ListAsync(RawServer server) =>
        await RegistryTags.ListAsync(server.Host, RepositoryName.Parse("team/app"), _kit.Clients, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
}
