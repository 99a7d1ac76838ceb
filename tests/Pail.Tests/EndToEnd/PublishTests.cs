using System.Net;
using System.Text.Json.Nodes;
using Pail.Cli;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.S3;

namespace Pail.Tests.EndToEnd;

/// <summary><c>pail publish</c> and <c>unpublish</c> on Ceph RGW: what anybody can do before and after.</summary>
[NeedsServers]
public sealed class PublishTests : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private readonly HttpClient _anybody = new();
    private readonly TestLayout _image;
    private TestBucket _bucket = null!;

    public PublishTests()
    {
        _image = new TestLayout(_folder["image"]);
        _image.Tag(_image.Image());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Blob => _image.Read(_image.Root).Layers[0].Digest.ToString();

    [Fact]
    public async Task Publish_ARepository_OpensItAndNoOther()
    {
        await PushAsync("v2", "team/app", "team/app/sub", "team/apple", "team");
        (await PailCli.Direct.RunAsync("publish", $"{_bucket.Address}/team/app")).Ended(ExitCode.BadUsage);
        Assert.Contains("v2/team/app/manifests/*", (await PailCli.Direct.DoAsync("publish", "--dry-run", $"{_bucket.Address}/team/app")).Error, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync("v2/team/app/manifests/1"));

        var said = (await PailCli.Direct.DoAsync("publish", "--yes", $"{_bucket.Address}/team/app")).Error;

        Assert.True(said.IndexOf("PailPublicRead", StringComparison.Ordinal) < said.IndexOf("Published", StringComparison.Ordinal));
        foreach (var path in (string[])["v2/", "v2/team/app/manifests/1", $"v2/team/app/manifests/{_image.Root.Digest}", $"v2/team/app/blobs/{Blob}", $"v2/team/app/referrers/{_image.Root.Digest}", "v2/team/app/tags/list"])
            Assert.True(await GetAsync(path) == HttpStatusCode.OK, path);
        foreach (var path in (string[])["", "?list-type=2&prefix=v2/team/app/", "pail.json", "v2/_catalog", "v2/team/app/sub/manifests/1", $"v2/team/app/sub/blobs/{Blob}", "v2/team/apple/manifests/1", "v2/team/manifests/1", $"v2/team/blobs/{Blob}"])
            Assert.True(await GetAsync(path) == HttpStatusCode.Forbidden, path);
        var skopeo = new Skopeo(_folder);
        await skopeo.PullAsync($"{_bucket.Registry}/team/app:1");
        Assert.Equal(_image.Read(_image.Root).Config!.Digest.ToString(), await skopeo.ConfigDigestAsync(""));

        await PailCli.Direct.DoAsync("unpublish", "--yes", $"{_bucket.Address}/team/app");
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync("v2/team/app/manifests/1"));
        Assert.Null(await PolicyAsync());
    }

    [Theory]
    [InlineData("v2", "v2/team/app/manifests/1")]
    [InlineData("pool", "manifests/team/app/1/manifest.json")]
    public async Task Publish_ABucket_AndBack(string layout, string key)
    {
        await PushAsync(layout, "team/app");
        await PailCli.Direct.DoAsync("publish", "--yes", _bucket.Address);
        Assert.Equal(HttpStatusCode.OK, await GetAsync(key));
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync("pail.json"));
        Assert.Contains("Already", (await PailCli.Direct.DoAsync("publish", _bucket.Address)).Error, StringComparison.Ordinal);
        var repository = await PailCli.Direct.RunAsync("unpublish", "--yes", $"{_bucket.Address}/team/app");
        Assert.NotEqual(0, repository.ExitCode);
        var json = JsonNode.Parse((await PailCli.Direct.DoAsync("unpublish", "--yes", "--json", _bucket.Address)).Output)!;
        Assert.True((bool)json["changed"]!);
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync(key));
        Assert.Contains("Nothing was open", (await PailCli.Direct.DoAsync("unpublish", _bucket.Address)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_BesideAPolicyOfTheOwner_ChangesOursAlone()
    {
        await PushAsync("v2", "one", "two");
        using var client = S3Server.Ceph.Client();
        await client.PutBucketPolicyAsync(_bucket.Name, $$"""{"Version":"2012-10-17","Id":"mine","Statement":[{"Sid":"Mine","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{{_bucket.Name}}/site/*"}]}""", Cancel);
        foreach (var name in (string[])["one", "two"])
            await PailCli.Direct.DoAsync("publish", "--yes", $"{_bucket.Address}/{name}");
        Assert.Equal(3, (await PolicyAsync())!["Statement"]!.AsArray().Count);
        await PailCli.Direct.DoAsync("unpublish", "--yes", $"{_bucket.Address}/one");
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.OK), (await GetAsync("v2/one/manifests/1"), await GetAsync("v2/two/manifests/1")));
        await PailCli.Direct.DoAsync("unpublish", "--yes", _bucket.Address);
        var left = (await PolicyAsync())!;
        Assert.Equal(("mine", "Mine"), ((string?)left["Id"], (string?)Assert.Single(left["Statement"]!.AsArray())!["Sid"]));
    }

    [Theory]
    [InlineData("s3:ListBucket", "", "list")]
    [InlineData("s3:GetObject", "/pail.json", "pail.json")]
    [InlineData("s3:GetObject", "/v2/other/*", "v2/other")]
    public async Task Publish_WhereMoreIsOpenThanThat_FailsAndSaysSo(string action, string resource, string expected)
    {
        await PushAsync("v2", "app", "other");
        using var client = S3Server.Ceph.Client();
        await client.PutBucketPolicyAsync(_bucket.Name, $$"""{"Version":"2012-10-17","Statement":[{"Sid":"Mine","Effect":"Allow","Principal":"*","Action":"{{action}}","Resource":"arn:aws:s3:::{{_bucket.Name}}{{resource}}"}]}""", Cancel);
        Assert.Contains(expected, (await PailCli.Direct.RunAsync("publish", "--yes", $"{_bucket.Address}/app")).Ended(ExitCode.Conflict).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InitLists_KeepsThemAndOpensNothing()
    {
        await PailCli.Direct.DoAsync("init", _bucket.Address, "--lists");
        await PailCli.Direct.DoAsync("push", _image.Address(), $"{_bucket.Address}/app:1");
        Assert.Superset(new HashSet<string>(["v2/", "v2/app/tags/list", $"v2/app/referrers/{_image.Root.Digest}"]), (await _bucket.KeysAsync("v2/")).ToHashSet());
        Assert.Null(await PolicyAsync());
        Assert.Equal(HttpStatusCode.Forbidden, await GetAsync("v2/"));
    }

    [Fact]
    public async Task Publish_ARepositoryThatCanNotBeToldFromOthers_IsRefused()
    {
        await PushAsync("v2", "app", "app/manifests/more");
        Assert.Contains("app/manifests", (await PailCli.Direct.RunAsync("publish", "--yes", $"{_bucket.Address}/app")).Ended(ExitCode.Conflict).Error, StringComparison.Ordinal);
        Assert.Null(await PolicyAsync());
    }

    [Fact]
    public async Task Publish_ARepositoryOfAPool_IsRefused()
    {
        await PushAsync("pool", "app");
        Assert.Contains("pool", (await PailCli.Direct.RunAsync("publish", "--yes", $"{_bucket.Address}/app")).Ended(ExitCode.BadUsage).Error, StringComparison.Ordinal);
    }

    public async ValueTask InitializeAsync() => _bucket = await TestBucket.TakeAsync();

    public async ValueTask DisposeAsync()
    {
        await _bucket.DisposeAsync();
        _anybody.Dispose();
        _folder.Dispose();
    }

    private async Task PushAsync(string layout, params string[] repositories)
    {
        await PailCli.Direct.DoAsync("init", _bucket.Address, "--layout", layout);
        foreach (var name in repositories)
            await PailCli.Direct.DoAsync("push", _image.Address(), $"{_bucket.Address}/{name}:1");
    }

    private async Task<JsonNode?> PolicyAsync()
    {
        using var store = S3Server.Ceph.Open(_bucket.Name);
        return await store.PlanCloseAsync("", Cancel) is { Before: { } policy } ? JsonNode.Parse(policy) : null;
    }

    private async Task<HttpStatusCode> GetAsync(string path)
    {
        using var answer = await _anybody.GetAsync(new Uri($"http://{_bucket.Registry}/{path}"), Cancel);
        return answer.StatusCode;
    }
}
