using System.Net.Http.Headers;
using System.Text.Json;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;

namespace Pail.Tests.EndToEnd;

/// <summary>Real clients push to <c>pail serve</c> and pull from it.</summary>
[UsesDebian13]
[Trait("Also", "Native")]
public abstract class ServedRegistryTests(ServedRegistry registry) : IDisposable
{
    private const int MiB = 1 << 20;

    private readonly TestFolder _folder = new();
    private readonly HttpClient _http = new() { BaseAddress = registry.Address };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> EveryClient { get; } = new(ContainerClient.Names);

    public static TheoryData<string> EveryEngine { get; } = new(Engine.Names);

    /// <summary>Of two layers; one is too large for a single request to S3.</summary>
    private (TestLayout Layout, string Config) Image(string name = "image")
    {
        var layout = new TestLayout(_folder[name]);
        var root = layout.Tag(layout.ImageOf(20 * MiB, 100_000));
        return (layout, layout.Read(root).Config!.Digest.ToString());
    }

    [Theory]
    [MemberData(nameof(EveryClient))]
    public async Task Client_PushesAndPulls_AndSoDoesTheNext(string name)
    {
        var (layout, config) = Image();
        var reference = $"{registry.Host}/{name.Replace(' ', '-')}/app:1";
        var client = ContainerClient.Of(name, _folder);
        await client.PushAsync(layout, reference);
        await client.PushAsync(layout, reference); // nothing new
        var next = ContainerClient.Names[(ContainerClient.Names.ToList().IndexOf(name) + 1) % ContainerClient.Names.Count];
        foreach (var puller in (ContainerClient[])[client, ContainerClient.Of(next, _folder)])
        {
            await puller.PullAsync(reference);
            Assert.Equal(config, await puller.ConfigDigestAsync(reference));
            await puller.RemoveAsync(reference);
        }
    }

    [Theory]
    [MemberData(nameof(EveryEngine))]
    public async Task Docker_PushesToAnotherRepository_MountsWhatItPushedBefore(string engine)
    {
        var (layout, config) = Image();
        var (one, two) = ($"{registry.Host}/mounts/one:1", $"{registry.Host}/mounts/two:1");
        var docker = new DockerCli(_folder, Engine.Named(engine));
        await docker.PushAsync(layout, one);
        await docker.PullAsync(one);
        await docker.TagAsync(one, two);
        Assert.Contains("Mounted from mounts/one", await docker.PushAsync(two), StringComparison.Ordinal);
        await docker.RemoveAsync(one);
        await docker.RemoveAsync(two);
        await docker.PullAsync(two);
        Assert.Equal(config, await docker.ConfigDigestAsync(two));
        await docker.RemoveAsync(two);
    }

    [Theory]
    [InlineData("skopeo")]
    [InlineData("skopeo 1.18")]
    public async Task Skopeo_AllPlatforms_AreTheSameBytes(string client)
    {
        var layout = new TestLayout(_folder["index"]);
        var root = layout.Tag(layout.TwoPlatforms());
        var skopeo = (Skopeo)ContainerClient.Of(client, _folder);
        await skopeo.PushAsync(layout, $"{registry.Host}/team/index:1");
        await skopeo.PullAllAsync($"{registry.Host}/team/index:1");
        Assert.Equal(await File.ReadAllTextAsync(layout.PathOf(root.Digest), Cancel), await skopeo.RawAsync());
    }

    [Theory]
    [MemberData(nameof(EveryEngine))]
    public async Task Pail_PushesToTheServer_AndPullsFromItAndItsBucketWhatDockerPushed(string engine)
    {
        var (layout, config) = Image();
        await PailCli.Direct.DoAsync("push", layout.Address(), $"docker://{registry.Host}/team/pail:1");
        var skopeo = new Skopeo(_folder);
        await skopeo.PullAsync($"{registry.Host}/team/pail:1");
        Assert.Equal(config, await skopeo.ConfigDigestAsync(""));

        await new DockerCli(_folder, Engine.Named(engine)).PushAsync(layout, $"{registry.Host}/team/docker:1");
        foreach (var address in (string[])[$"docker://{registry.Host}/", registry.Prefix])
        {
            var pulled = $"oci:{_folder[Guid.NewGuid().ToString("n")]}:1";
            await PailCli.Direct.DoAsync("copy", $"{address}team/docker:1", pulled);
            using var manifest = JsonDocument.Parse((await PailCli.Direct.DoAsync("manifest", pulled)).Output);
            Assert.Equal(config, manifest.RootElement.GetProperty("config").GetProperty("digest").GetString());
        }
    }

    [Fact]
    public async Task DotnetPublish_TakesItsBaseImageAndPushes()
    {
        var (layout, _) = Image();
        await new Skopeo(_folder).PushAsync(layout, $"{registry.Host}/team/base:1");
        var project = Directory.CreateDirectory(_folder["whale"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(project, "Program.cs"), "System.Console.WriteLine(\"whale\");", Cancel);
        await File.WriteAllTextAsync(Path.Combine(project, "whale.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <UseAppHost>false</UseAppHost>
                <ContainerBaseImage>{registry.Host}/team/base:1</ContainerBaseImage>
                <ContainerRegistry>{registry.Host}</ContainerRegistry>
                <ContainerRepository>team/whale</ContainerRepository>
                <ContainerImageTags>1;latest</ContainerImageTags>
              </PropertyGroup>
            </Project>
            """, Cancel);
        (await Child.RunAsync("dotnet", ["publish", project, "-t:PublishContainer", "--disable-build-servers", "-nologo", "-v", "quiet"], new Dictionary<string, string?> { ["DOTNET_CONTAINER_INSECURE_REGISTRIES"] = registry.Host })).Succeeded();

        var skopeo = new Skopeo(_folder);
        await skopeo.PullAsync($"{registry.Host}/team/whale:latest");
        var image = JsonDocument.Parse(await skopeo.RawAsync()).RootElement;
        var layers = image.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("digest").GetString()!).ToList();
        var below = layout.Read(layout.Root).Layers.Select(layer => layer.Digest.ToString()).ToList();
        Assert.Equal(below, layers[..below.Count]);
        Assert.True(layers.Count > below.Count);
    }

    [Fact]
    public async Task Artifacts_AttachedAsOrasDoes_AreFound()
    {
        var layout = new TestLayout(_folder["artifacts"]);
        var image = layout.Image();
        await PushAsOrasAsync(layout, image, "v1");
        var artifact = layout.Artifact(image);
        await PushAsOrasAsync(layout, artifact, artifact.Digest.ToString());
        // Nobody needs the subject to be there.
        var early = layout.Artifact(new Descriptor(MediaTypes.OciManifest, Digest.Of("later"u8), 5));
        await PushAsOrasAsync(layout, early, early.Digest.ToString());

        foreach (var (subject, expected, kind) in ((Digest, Digest?, string)[])[(image.Digest, artifact.Digest, ""), (image.Digest, artifact.Digest, "?artifactType=application/vnd.example.thing"), (image.Digest, null, "?artifactType=other"), (Digest.Of("later"u8), early.Digest, ""), (artifact.Digest, null, "")])
        {
            using var answer = await _http.GetAsync(new Uri($"v2/team/oras/referrers/{subject}{kind}", UriKind.Relative), Cancel);
            Assert.Equal(MediaTypes.OciIndex, answer.EnsureSuccessStatusCode().Content.Headers.ContentType?.ToString());
            using var index = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancel));
            var found = index.RootElement.GetProperty("manifests").EnumerateArray().Select(item => (item.GetProperty("digest").GetString(), item.GetProperty("artifactType").GetString()));
            Assert.Equal(expected is null ? [] : [(expected.ToString(), "application/vnd.example.thing")], found);
        }
        foreach (var blob in layout.Read(artifact).Blobs)
            Assert.Equal(await File.ReadAllBytesAsync(layout.PathOf(blob.Digest), Cancel), await _http.GetByteArrayAsync(new Uri($"v2/team/oras/blobs/{blob.Digest}", UriKind.Relative), Cancel));
    }

    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    // A HEAD, a session, all bytes with the digest; then the manifest.
    private async Task PushAsOrasAsync(TestLayout layout, Descriptor root, string reference)
    {
        var manifest = layout.Read(root);
        foreach (var blob in manifest.Blobs)
        {
            using var head = await _http.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"v2/team/oras/blobs/{blob.Digest}"), Cancel);
            if (head.IsSuccessStatusCode)
                continue;
            using var session = await _http.PostAsync(new Uri("v2/team/oras/blobs/uploads/", UriKind.Relative), null, Cancel);
            Assert.Equal(202, (int)session.StatusCode);
            using var content = new ByteArrayContent(await File.ReadAllBytesAsync(layout.PathOf(blob.Digest), Cancel)) { Headers = { ContentType = new(MediaTypes.OctetStream) } };
            using var done = await _http.PutAsync(new Uri(_http.BaseAddress!, $"{session.Headers.Location}?digest={blob.Digest}"), content, Cancel);
            Assert.Equal(201, (int)done.StatusCode);
        }
        using var bytes = new ReadOnlyMemoryContent(manifest.Bytes) { Headers = { ContentType = MediaTypeHeaderValue.Parse(root.MediaType) } };
        using var put = await _http.PutAsync(new Uri($"v2/team/oras/manifests/{reference}", UriKind.Relative), bytes, Cancel);
        Assert.Equal(201, (int)put.StatusCode);
        Assert.Equal(manifest.Subject?.Digest.ToString(), put.Headers.TryGetValues("OCI-Subject", out var subject) ? subject.Single() : null);
    }
}

/// <summary>Over Ceph RGW, which clients get blobs from themselves.</summary>
[NeedsServers]
public sealed class RedirectingRgwTests(RedirectingRgw registry) : ServedRegistryTests(registry), IClassFixture<RedirectingRgw>;

/// <summary>Over Ceph RGW, all bytes through the server.</summary>
[NeedsServers]
public sealed class StreamingRgwTests(StreamingRgw registry) : ServedRegistryTests(registry), IClassFixture<StreamingRgw>;

/// <summary>Over a folder.</summary>
[NeedsServers]
public sealed class ServedFolderTests(ServedFolder registry) : ServedRegistryTests(registry), IClassFixture<ServedFolder>;
