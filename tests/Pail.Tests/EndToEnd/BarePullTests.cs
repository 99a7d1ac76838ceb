using System.Net;
using System.Text.Json;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;

namespace Pail.Tests.EndToEnd;

/// <summary>What makes Pail worth having: real clients pull from the bucket itself.</summary>
[UsesDebian13]
public abstract class BarePullTests(BareRegistry registry) : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> EveryClientAndImage { get; } =
        new(from client in ContainerClient.Names from kind in (string[])["one", "twelve", "runnable", "two"] select (client, kind));

    public static TheoryData<string> EveryClient { get; } = new(ContainerClient.Names);

    public static TheoryData<string> EveryEngine { get; } = new(Engine.Names);

    [Theory]
    [MemberData(nameof(EveryClientAndImage))]
    public Task Pull_ByClient_GetsTheImagePushed(string client, string kind) => registry.AssertPullsAsync(ContainerClient.Of(client, _folder), kind);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(EveryClient))]
    public async Task Pull_LayerOf1GiB_GetsTheImagePushed(string client)
    {
        await registry.PushAsync($"big-{client}", layout => layout.Image(bytes: 1L << 30));
        await registry.AssertPullsAsync(ContainerClient.Of(client, _folder), $"big-{client}");
    }

    [Theory]
    [MemberData(nameof(EveryEngine))]
    public async Task Run_ByDocker_PrintsWhatTheImageSays(string engine)
    {
        var docker = new DockerCli(_folder, Engine.Named(engine));
        var reference = registry.Reference("runnable");
        await docker.PullAsync(reference);
        Assert.Equal("the whale swims", await docker.RunContainerAsync(reference));
        await docker.RemoveAsync(reference);
    }

    [Theory]
    [InlineData("skopeo")]
    [InlineData("skopeo 1.18")]
    public async Task Pull_AllPlatforms_BySkopeo_GetsTheIndexByteForByte(string client)
    {
        var (layout, root) = registry.Image("two");
        var skopeo = (Skopeo)ContainerClient.Of(client, _folder);
        await skopeo.PullAllAsync(registry.Reference("two"));
        Assert.Equal(await File.ReadAllTextAsync(layout.PathOf(root.Digest), Cancel), await skopeo.RawAsync());
    }

    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    [InlineData("artifact")]
    public async Task Get_ByHttp_ServesEveryManifestAndBlobAsPushed(string kind)
    {
        using var http = Http();
        var (layout, root) = registry.Image(kind);
        await GetsAsync(http, layout, $"v2/team/app/manifests/{kind}", root);
        var left = new Queue<Descriptor>([root]);
        while (left.TryDequeue(out var next))
        {
            await GetsAsync(http, layout, $"v2/team/app/manifests/{next.Digest}", next);
            var manifest = layout.Read(next);
            foreach (var child in manifest.Manifests)
                left.Enqueue(child);
            foreach (var blob in manifest.Blobs)
                await GetsAsync(http, layout, $"v2/team/app/blobs/{blob.Digest}", blob with { MediaType = MediaTypes.OctetStream });
            using var referrers = await http.GetAsync(new Uri($"v2/team/app/referrers/{next.Digest}", UriKind.Relative), Cancel);
            Assert.Equal(HttpStatusCode.OK, referrers.StatusCode);
            Assert.Equal(MediaTypes.OciIndex, referrers.Content.Headers.ContentType?.ToString());
        }
    }

    [Fact]
    public async Task Get_ByHttp_ListsAreThoseOfARegistry()
    {
        using var http = Http();
        Assert.Equal("{}", await http.GetStringAsync(new Uri("v2/", UriKind.Relative), Cancel));
        using var tags = JsonDocument.Parse(await http.GetStringAsync(new Uri("v2/team/app/tags/list", UriKind.Relative), Cancel));
        Assert.Equal("team/app", tags.RootElement.GetProperty("name").GetString());
        var names = tags.RootElement.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()).ToList();
        Assert.Superset(new HashSet<string?>(["artifact", "one", "runnable", "twelve", "two"]), new HashSet<string?>(names));
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal("""{"repositories":["team/app"]}""", await http.GetStringAsync(new Uri("v2/_catalog", UriKind.Relative), Cancel));
    }

    [Fact]
    public async Task Get_WhatIsNotThere_IsNoSuccess()
    {
        using var http = Http();
        foreach (var path in (string[])["v2/team/app/manifests/none", "v2/other/manifests/1", $"v2/team/app/blobs/{Digest.Of("x"u8)}"])
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Cancel);
            Assert.Contains(answer.StatusCode, (HttpStatusCode[])[HttpStatusCode.NotFound, HttpStatusCode.Forbidden]);
        }
    }

    public void Dispose() => _folder.Dispose();

    private static async Task GetsAsync(HttpClient http, TestLayout layout, string path, Descriptor expected)
    {
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Cancel);
        Assert.True(answer.IsSuccessStatusCode, $"{path} was answered {answer.StatusCode}");
        Assert.Equal(expected.MediaType, answer.Content.Headers.ContentType?.ToString());
        Assert.Equal(expected.Size, answer.Content.Headers.ContentLength);
        Assert.Equal(await File.ReadAllBytesAsync(layout.PathOf(expected.Digest), Cancel), await answer.Content.ReadAsByteArrayAsync(Cancel));
    }

    private HttpClient Http() => new() { BaseAddress = new Uri($"http://{registry.Host}/") };
}

/// <summary>From Ceph RGW.</summary>
[NeedsServers]
public sealed class RgwBarePullTests(Rgw16Registry registry) : BarePullTests(registry), IClassFixture<Rgw16Registry>;

/// <summary>From Ceph RGW 18: every client, one image, since it serves objects as RGW 16 does.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class Rgw18BarePullTests(Rgw18Registry registry) : IClassFixture<Rgw18Registry>, IDisposable
{
    private readonly TestFolder _folder = new();

    public static TheoryData<string> EveryClient { get; } = new(ContainerClient.Names);

    [Theory]
    [MemberData(nameof(EveryClient))]
    public Task Pull_ByClient_GetsTheImagePushed(string client) => registry.AssertPullsAsync(ContainerClient.Of(client, _folder), "two");

    public void Dispose() => _folder.Dispose();
}

/// <summary>From a folder behind nginx.</summary>
[NeedsServers]
public sealed class NginxBarePullTests(NginxRegistry registry) : BarePullTests(registry), IClassFixture<NginxRegistry>;
