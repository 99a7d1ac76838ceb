using System.Buffers;
using System.Text;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Server;

/// <summary>Ten thousand tags in a repository, ten thousand repositories: each page takes the requests it should, and all pages together show everything once.</summary>
[Trait("Category", "Long")]
public abstract class ScaleTests : ServerTests
{
    private const int Many = 10_000;

    private protected ScaleTests(object bucket)
        : base(bucket)
    {
    }

    private Task FillAsync(IEnumerable<(string Repository, string Reference)> names)
    {
        var body = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes("{\"schemaVersion\":2,\"manifests\":[]}"));
        return Parallel.ForEachAsync(names, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (name, cancel) =>
            await Store.PutAsync(Server.Bucket.Layout.ManifestKey(RepositoryName.Parse(name.Repository), Reference.Parse(name.Reference)), body, new ObjectHeaders(MediaTypes.OciIndex), PutCondition.None, cancel));
    }

    private async Task<(List<string> Names, long DearestPage)> AllAsync(string target, string property)
    {
        var all = new List<string>();
        var dearest = 0L;
        for (string? next = target; next is not null;)
        {
            Answer answer = null!;
            var cost = await Server.CostAsync(async () => answer = (await Server.GetAsync(next)).Is(200));
            Assert.Equal(0, cost.B);
            dearest = Math.Max(dearest, cost.A);
            all.AddRange(answer.Json.GetProperty(property).EnumerateArray().Select(item => item.GetString()!));
            next = answer["Link"]?.Split('<', '>')[1];
        }
        return (all, dearest);
    }

    [Fact]
    public async Task Tags_TenThousand_EachPageOfAThousandIsOneList()
    {
        var tags = Enumerable.Range(0, Many).Select(n => $"v{n}").Order(StringComparer.Ordinal).ToList();
        await FillAsync(tags.Select(tag => (App, tag)).Append((App, Digest.Of("x"u8).ToString())));
        var (paged, dearest) = await AllAsync($"/v2/{App}/tags/list?n=1000", "tags");
        Assert.Equal(tags, paged);
        Assert.Equal(1, dearest);
        Assert.Equal(tags, (await AllAsync($"/v2/{App}/tags/list", "tags")).Names);
        // A repository with many tags hides none beside it, and costs the catalog no more than another.
        await FillAsync([("team/aaa", "1"), ("team/zzz", "1")]);
        var (names, cost) = await AllAsync("/v2/_catalog", "repositories");
        Assert.Equal(["team/aaa", App, "team/zzz"], names);
        Assert.True(cost <= 3, $"{cost} LIST requests");
    }

    [Fact]
    public async Task Catalog_TenThousandRepositories_EachPageIsAFewLists()
    {
        var repositories = Enumerable.Range(0, Many).Select(n => $"org{n % 7}/app{n}").ToList();
        await FillAsync(repositories.SelectMany(name => new[] { (name, "1"), (name, Digest.Of("x"u8).ToString()) }));
        var (names, dearest) = await AllAsync("/v2/_catalog?n=1000", "repositories");
        Assert.Equal(repositories.Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
        Assert.True(dearest <= 3, $"{dearest} LIST requests for a page of 1,000");
    }
}

public sealed class FolderScaleTests() : ScaleTests(new FolderBucket());

[NeedsServers]
public sealed class CephScaleTests() : ScaleTests(new CephBucket());
