using Pail.Oci;
using Pail.Tests.Images;

namespace Pail.Tests.Server;

public abstract partial class ServerContract
{
    private static string[] Strings(System.Text.Json.JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetString()!)];

    private async Task<(string[] Names, string? Next)> PageAsync(string target, string property)
    {
        var answer = (await Server.GetAsync(target)).Is(200);
        Assert.Equal("application/json", answer["Content-Type"]);
        var link = answer["Link"];
        Assert.True(link is null || (link.StartsWith("</v2/", StringComparison.Ordinal) && link.EndsWith(">; rel=\"next\"", StringComparison.Ordinal)), link);
        return (Strings(answer.Json.GetProperty(property)), link?[1..link.IndexOf('>', StringComparison.Ordinal)]);
    }

    private async Task<List<string>> AllPagesAsync(string target, string property, int most)
    {
        var all = new List<string>();
        for (var next = target; next is not null;)
        {
            var (names, link) = await PageAsync(next, property);
            Assert.True(names.Length <= most);
            all.AddRange(names);
            next = link;
        }
        return all;
    }

    [Fact]
    public async Task Tags_Listed_InOrderAndByPages()
    {
        var bytes = await Server.AddImageAsync(App);
        string[] tags = ["0", "1.0", "1.0-a", "B", "_", "a", "z"];
        (await Server.PutAsync($"/v2/{App}/manifests/{Digest.Of(bytes)}?{string.Join('&', tags.Select(tag => "tag=" + tag))}", bytes)).Is(201);
        (await Server.PutAsync($"/v2/{App}/manifests/{Digest.Of(bytes, DigestAlgorithm.Sha512)}", bytes)).Is(201);

        var path = $"/v2/{App}/tags/list";
        Assert.Equal(App, (await Server.GetAsync(path)).Json.GetProperty("name").GetString());
        Assert.Equal(tags, (await PageAsync(path, "tags")).Names);
        Assert.Null((await PageAsync(path, "tags")).Next);
        for (var n = 1; n <= tags.Length + 1; n++)
        {
            Assert.Equal(tags.Take(n), (await PageAsync($"{path}?n={n}", "tags")).Names);
            Assert.Equal(tags, await AllPagesAsync($"{path}?n={n}", "tags", n));
        }
        Assert.Equal(([], null), await PageAsync($"{path}?n=0", "tags"));
        Assert.Equal(tags[3..], (await PageAsync($"{path}?last=1.0-a", "tags")).Names);
        Assert.Equal(tags[3..5], (await PageAsync($"{path}?n=2&last=1.0-a", "tags")).Names);
        Assert.Equal(tags[5..], (await PageAsync($"{path}?last=_never-was", "tags")).Names);
        Assert.Equal(([], null), await PageAsync($"{path}?last=zz", "tags"));
        Assert.Equal(tags, (await PageAsync($"{path}?n=99999999999999", "tags")).Names);
        Assert.Equal(tags, (await PageAsync($"{path}?n=&last=", "tags")).Names);
        Assert.Equal(tags[..2], (await PageAsync($"{path}?n=2&last=", "tags")).Names);
    }

    [Theory]
    [InlineData("tags/list", "n=x")]
    [InlineData("tags/list", "n=-1")]
    [InlineData("tags/list", "n=1.5")]
    public async Task List_NIsNoNumber_IsRefused(string list, string query)
    {
        (await Server.GetAsync($"/v2/{App}/{list}?{query}")).Is(400, "PAGINATION_NUMBER_INVALID");
        (await Server.GetAsync($"/v2/_catalog?{query}")).Is(400, "PAGINATION_NUMBER_INVALID");
    }

    [Fact]
    public async Task Tags_OfNoRepository_Are404()
    {
        (await Server.GetAsync("/v2/none/tags/list")).Is(404, "NAME_UNKNOWN");
        await Server.PushAsync("none/below", "1");
        (await Server.GetAsync("/v2/none/tags/list")).Is(404, "NAME_UNKNOWN");
        (await Server.GetAsync("/v2/none/tags/list?n=0")).Is(404, "NAME_UNKNOWN");
    }

    [Fact]
    public async Task Catalog_Listed_AllOnceAndByPages()
    {
        Assert.Empty((await PageAsync("/v2/_catalog", "repositories")).Names);
        string[] names = ["a", "a-b", "a/b", "b/manifests", "c.d/e"];
        foreach (var name in names)
        {
            await Server.PushAsync(name, "1");
            await Server.PushAsync(name, "2");
        }
        for (var n = 1; n <= names.Length + 1; n++)
            Assert.Equal(names, (await AllPagesAsync($"/v2/_catalog?n={n}", "repositories", n)).Order(StringComparer.Ordinal));
        Assert.Equal(names, (await PageAsync("/v2/_catalog", "repositories")).Names.Order(StringComparer.Ordinal));
        Assert.Empty((await PageAsync("/v2/_catalog?n=0", "repositories")).Names);
        Assert.NotEmpty((await PageAsync("/v2/_catalog?n=&last=", "repositories")).Names);
        (await Server.GetAsync("/v2/_catalog?last=No%20Name")).Is(400, "NAME_INVALID");
    }

    private async Task<string[]> ReferrersAsync(Digest subject, string query = "")
    {
        var answer = (await Server.GetAsync($"/v2/{App}/referrers/{subject}{query}")).Is(200);
        Assert.Equal(MediaTypes.OciIndex, answer["Content-Type"]);
        Assert.Equal(2, answer.Json.GetProperty("schemaVersion").GetInt32());
        Assert.Equal(MediaTypes.OciIndex, answer.Json.GetProperty("mediaType").GetString());
        Assert.Equal(query.Length > 0 ? "artifactType" : null, answer["OCI-Filters-Applied"]);
        return [.. answer.Json.GetProperty("manifests").EnumerateArray().Select(item => item.GetProperty("digest").GetString()!)];
    }

    [Fact]
    public async Task Referrers_Pushed_AreListedWithTypeAndAnnotations()
    {
        var subject = new Descriptor(MediaTypes.OciManifest, Digest.Of("not here"u8), 8);
        var more = $",\"subject\":{ManifestJson.Of(subject)}";
        Assert.Empty(await ReferrersAsync(subject.Digest));
        await Server.AddBlobAsync(App, "{}"u8.ToArray());
        var typed = ManifestJson.Image(Nothing, [], $",\"artifactType\":\"application/x.sig+json\",\"annotations\":{{\"k\":\"v\",\"l\":\"m\"}}{more}");
        var byConfig = ManifestJson.Image(Nothing, [], more);
        var index = ManifestJson.Index([], more);
        Assert.Equal(subject.Digest.ToString(), (await Server.PutAsync($"/v2/{App}/manifests/{Digest.Of(typed)}", typed)).Is(201)["OCI-Subject"]);
        Assert.Equal(subject.Digest.ToString(), (await Server.PutAsync($"/v2/{App}/manifests/by-tag", byConfig)).Is(201)["OCI-Subject"]);
        Assert.Equal(subject.Digest.ToString(), (await Server.PutAsync($"/v2/{App}/manifests/index", index, MediaTypes.OciIndex)).Is(201)["OCI-Subject"]);
        Assert.Equal(subject.Digest.ToString(), (await Server.PutAsync($"/v2/{App}/manifests/index", index, MediaTypes.OciIndex)).Is(201)["OCI-Subject"]);

        var all = (await Server.GetAsync($"/v2/{App}/referrers/{subject.Digest}")).Json.GetProperty("manifests").EnumerateArray().ToDictionary(item => item.GetProperty("digest").GetString()!);
        Assert.Equal(3, all.Count);
        var first = all[Digest.Of(typed).ToString()];
        Assert.Equal("application/x.sig+json", first.GetProperty("artifactType").GetString());
        Assert.Equal("v", first.GetProperty("annotations").GetProperty("k").GetString());
        Assert.Equal(typed.Length, first.GetProperty("size").GetInt64());
        Assert.Equal(MediaTypes.OciManifest, first.GetProperty("mediaType").GetString());
        Assert.Equal(MediaTypes.OciEmpty, all[Digest.Of(byConfig).ToString()].GetProperty("artifactType").GetString());
        Assert.False(all[Digest.Of(index).ToString()].TryGetProperty("artifactType", out _));

        Assert.Equal([Digest.Of(typed).ToString()], await ReferrersAsync(subject.Digest, "?artifactType=application/x.sig%2Bjson"));
        Assert.Empty(await ReferrersAsync(subject.Digest, "?artifactType=none"));
    }

    [Fact]
    public async Task Referrers_UnknownOrInvalid_AreAnEmptyListOr400()
    {
        Assert.Empty(await ReferrersAsync(Digest.Of("x"u8)));
        Assert.Empty(await ReferrersAsync(Digest.Of("x"u8, DigestAlgorithm.Sha512)));
        (await Server.GetAsync($"/v2/none/referrers/{Digest.Of("x"u8)}")).Is(200);
        (await Server.GetAsync($"/v2/{App}/referrers/sha256:abc")).Is(400, "DIGEST_INVALID");
        (await Server.GetAsync($"/v2/{App}/referrers/tag")).Is(400, "DIGEST_INVALID");
    }

    [Fact]
    public async Task Referrers_Deleted_AreNotListed_ThoseOfADeletedSubjectAre()
    {
        var subject = await Server.PushAsync(App, "image");
        var more = $",\"subject\":{{\"mediaType\":\"{MediaTypes.OciManifest}\",\"digest\":\"{subject}\",\"size\":1}}";
        var one = await Server.PushAsync(App, "one", more);
        var two = await Server.PushAsync(App, "two", more);
        (await Server.DeleteAsync($"/v2/{App}/manifests/{one}")).Is(202);
        Assert.Equal([two.ToString()], await ReferrersAsync(subject));
        (await Server.DeleteAsync($"/v2/{App}/manifests/{subject}")).Is(202);
        Assert.Equal([two.ToString()], await ReferrersAsync(subject));
    }

    [Theory]
    [InlineData(DigestAlgorithm.Sha256)]
    [InlineData(DigestAlgorithm.Sha512)]
    public async Task Referrers_ListedInATagByAClient_AreListedIfTheySaySo(DigestAlgorithm algorithm)
    {
        var subject = Digest.Of("subject"u8, algorithm);
        var more = $",\"subject\":{{\"mediaType\":\"{MediaTypes.OciManifest}\",\"digest\":\"{subject}\",\"size\":7}}";
        await Server.AddBlobAsync(App, "{}"u8.ToArray());
        var (mine, other) = (ManifestJson.Image(Nothing, [], more + ",\"artifactType\":\"application/x\""), ManifestJson.Image(Nothing, []));
        // As a registry that knows no referrers keeps them: the manifests, and a tag.
        foreach (var bytes in new[] { mine, other })
            await PutObjectAsync($"{Digest.Of(bytes)}", bytes, MediaTypes.OciManifest);
        var list = ManifestJson.Index([ManifestJson.Describe(mine), ManifestJson.Describe(other), new(MediaTypes.OciManifest, Digest.Of("gone"u8), 4)]);
        await PutObjectAsync($"{subject.AlgorithmName}-{subject.Hex[..64]}", list, MediaTypes.OciIndex);

        Assert.Equal([Digest.Of(mine).ToString()], await ReferrersAsync(subject));
        Assert.Equal([Digest.Of(mine).ToString()], await ReferrersAsync(subject, "?artifactType=application/x"));
    }

    private Task<string?> PutObjectAsync(string reference, byte[] bytes, string type)
    {
        var key = Server.Bucket.Layout.ManifestKey(RepositoryName.Parse(App), Reference.Parse(reference));
        return Store.PutAsync(key, new System.Buffers.ReadOnlySequence<byte>(bytes), new(type), Pail.Stores.PutCondition.None, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Referrers_MoreThanAManifestMayHold_ComeInPages()
    {
        var subject = Digest.Of("subject"u8);
        await Server.AddBlobAsync(App, "{}"u8.ToArray());
        var pushed = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            var bytes = ManifestJson.Image(Nothing, [], $",\"artifactType\":\"t/t\",\"annotations\":{{\"a\":\"{new string((char)('a' + i), 1 << 20)}\"}},\"subject\":{{\"mediaType\":\"{MediaTypes.OciManifest}\",\"digest\":\"{subject}\",\"size\":7}}");
            (await Server.PutAsync($"/v2/{App}/manifests/{Digest.Of(bytes)}", bytes)).Is(201);
            pushed.Add(Digest.Of(bytes).ToString());
        }
        var listed = new List<string>();
        string? next = $"/v2/{App}/referrers/{subject}?artifactType=t%2Ft";
        for (var pages = 0; next is not null; pages++)
        {
            var answer = (await Server.GetAsync(next)).Is(200);
            Assert.True(answer.Body.Length < (4 << 20) + 1000);
            Assert.Equal("artifactType", answer["OCI-Filters-Applied"]);
            listed.AddRange(answer.Json.GetProperty("manifests").EnumerateArray().Select(item => item.GetProperty("digest").GetString()!));
            next = answer["Link"]?.Split('<', '>')[1];
            Assert.Contains("artifactType=", next ?? "artifactType=", StringComparison.Ordinal);
        }
        Assert.Equal(pushed.Order(StringComparer.Ordinal), listed);
    }
}
