using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit;

namespace Pail.Tests.Stores;

/// <summary>A folder served by a real nginx as it lies, with the configuration users get.</summary>
[NeedsServers]
public sealed class FolderNginxTests : IAsyncLifetime
{
    private const string Forever = "public, max-age=31536000, immutable";

    private static readonly RepositoryName Repository = RepositoryName.Parse("team/app");
    private static readonly Digest Some = Digest.Of("some"u8), Other = Digest.Of("other"u8, DigestAlgorithm.Sha512);
    private static readonly V2Layout Layout = new();

    private readonly string _directory = Directory.CreateTempSubdirectory("pail-test-").FullName;
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private readonly Dictionary<string, string?> _environment = [];
    private FolderStore _store = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var bucket = Path.Combine(_directory, "a bucket");
        FolderStore.Create(bucket);
        _store = new(bucket, new());
        var port = FreePort();
        _http.BaseAddress = new($"http://127.0.0.1:{port}");
        (_environment["FOLDER"], _environment["NGINX_DIR"], _environment["NGINX_PORT"]) = (bucket, Path.Combine(_directory, "nginx"), $"{port}");
        await NginxAsync("start");
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await NginxAsync("wipe");
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Get_EveryKindOfObject_HasItsTypeAndCacheControl()
    {
        var tags = new Dictionary<string, string>
        {
            ["oci"] = MediaTypes.OciManifest, ["oci-index.1"] = MediaTypes.OciIndex, ["docker"] = MediaTypes.DockerManifest, ["LIST_2"] = MediaTypes.DockerManifestList,
        };
        foreach (var (tag, type) in tags)
        {
            await CheckAsync(Layout.ManifestKey(Repository, Reference.Parse(tag)), tag, type, "no-cache");
            var digest = Digest.Of(Encoding.UTF8.GetBytes(tag));
            await CheckAsync(Layout.ManifestKey(Repository, Reference.Of(digest)), tag, type, Forever, digest);
        }
        await CheckAsync(Layout.BlobKey(Repository, Some), "some", MediaTypes.OctetStream, Forever + ", no-transform", Some);
        await CheckAsync(Layout.BlobKey(Repository, Other), "other", MediaTypes.OctetStream, Forever + ", no-transform", Other);
        await CheckAsync(Layout.ReferrersKey(Repository, Some), "{}", MediaTypes.OciIndex, "no-cache");
        await CheckAsync(V2Layout.TagListKey(Repository), "{}", MediaTypes.Json, "no-cache");
        await CheckAsync(V2Layout.CatalogKey, "{}", MediaTypes.Json, "no-cache");
        await CheckAsync(V2Layout.RootKey, "{}", MediaTypes.Json, "no-cache");
        // Repositories whose names are words of the API.
        await CheckAsync("v2/team/app/tags/list/manifests/blobs", "x", MediaTypes.OciManifest, "no-cache");
        await CheckAsync("v2/manifests/tags/tags/list", "{}", MediaTypes.Json, "no-cache");
    }

    [Fact]
    public async Task Get_RangeOfABlob_IsThatRange()
    {
        await PutAsync(Layout.BlobKey(Repository, Some), "0123456789", MediaTypes.OctetStream);
        using var request = new HttpRequestMessage(HttpMethod.Get, Layout.BlobKey(Repository, Some));
        request.Headers.Range = new(2, 4);
        using var answer = await _http.SendAsync(request, Cancel);
        Assert.Equal((HttpStatusCode.PartialContent, "234"), (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel)));
    }

    [Fact]
    public async Task Get_WhatIsNoObject_Is404()
    {
        await PutAsync("pail.json", "{}", MediaTypes.Json);
        await PutAsync("v2/app/manifests/1", "x", MediaTypes.OciManifest);
        await PutAsync("v2/app/blobs/notadigest", "x", MediaTypes.OctetStream);
        var upload = await _store.CreateUploadAsync("v2/app/blobs/x", new(MediaTypes.OctetStream), Cancel);
        var outside = Path.Combine(_directory, "secret");
        await File.WriteAllTextAsync(outside, "secret", Cancel);
        File.CreateSymbolicLink($"{_environment["FOLDER"]}/v2/app/manifests/link.@oci-manifest", outside);
        Directory.CreateSymbolicLink($"{_environment["FOLDER"]}/v2/out", "/");
        string[] paths =
        [
            "", "v2", "v2/app", "v2/app/", "v2/app/manifests/", "v2/app/manifests/2", "v2/app/manifests/1/", "v2/none/manifests/1", "v2/app/tags/list", "v2/_catalog",
            $"v2/app/referrers/{Some}", $"v2/app/blobs/{Some}", "v2/app/blobs/notadigest", "v2/app/manifests/1.@oci-manifest", "pail.json", "pail.json.@json",
            $".pail/uploads/{upload}/content", $"%2Epail/uploads/{upload}/key", ".pail/", ".pail", "v2/%2e%2e/.pail/locks/00", "v2/app/manifests/..%2f..%2f..%2f.pail%2fuploads",
            "v2/app/manifests/link", "v2/out/etc/passwd", "v2/app/manifests/1%00", "//pail.json",
        ];
        foreach (var path in paths)
        {
            using var answer = await _http.SendAsync(new(HttpMethod.Get, new Uri(_http.BaseAddress + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })), Cancel);
            Assert.True(answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest or HttpStatusCode.Forbidden, $"{path}: {answer.StatusCode}");
        }
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("POST")]
    [InlineData("DELETE")]
    public async Task Write_AnyMethod_IsNotAllowed(string method)
    {
        await PutAsync("v2/app/manifests/1", "x", MediaTypes.OciManifest);
        using var answer = await _http.SendAsync(new(new(method), "v2/app/manifests/1"), Cancel);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.NotNull(await _store.HeadAsync("v2/app/manifests/1", Cancel));
    }

    [Fact]
    public async Task Get_WhileATagChangesItsType_IsNeverMissingOrMixed()
    {
        var types = MediaTypes.Manifests;
        await PutAsync("v2/app/manifests/1", types[0], types[0]);
        using var done = new CancellationTokenSource();
        var reads = 0;
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            for (; !done.IsCancellationRequested; Interlocked.Increment(ref reads))
            {
                using var answer = await _http.GetAsync("v2/app/manifests/1", Cancel);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                Assert.Equal(answer.Content.Headers.ContentType!.MediaType, await answer.Content.ReadAsStringAsync(Cancel));
                Assert.Equal("no-cache", answer.Headers.CacheControl!.ToString());
            }
        }, Cancel)).ToArray();
        for (var n = 0; n < 300 || reads < 1000; n++)
        {
            var type = types[Random.Shared.Next(types.Count)];
            await PutAsync("v2/app/manifests/1", type, type);
            Assert.DoesNotContain(readers, reader => reader.IsFaulted);
        }
        await done.CancelAsync();
        await Task.WhenAll(readers);
    }

    private async Task CheckAsync(string key, string content, string type, string cacheControl, Digest? digest = null)
    {
        await PutAsync(key, content, type);
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Head])
        {
            using var answer = await _http.SendAsync(new(method, "/" + key), Cancel);
            Assert.True(answer.IsSuccessStatusCode, $"{method} {key}: {answer.StatusCode}");
            Assert.Equal(method == HttpMethod.Get ? content : "", await answer.Content.ReadAsStringAsync(Cancel));
            Assert.Equal(type, answer.Content.Headers.GetValues("Content-Type").Single());
            Assert.Equal(content.Length, answer.Content.Headers.ContentLength);
            Assert.Equal(cacheControl, answer.Headers.NonValidated["Cache-Control"].ToString());
            Assert.Empty(answer.Content.Headers.ContentEncoding);
            if (digest is not null)
                Assert.Equal(digest.ToString(), answer.Headers.GetValues("Docker-Content-Digest").Single());
        }
    }

    private Task<string?> PutAsync(string key, string content, string type) =>
        _store.PutAsync(key, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(content)), new(type), PutCondition.None, Cancel);

    private async Task NginxAsync(string verb) => (await Child.RunAsync(Path.Combine(TestEnvironment.Sources, "eng/nginx-folder"), [verb], _environment)).Succeeded();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
