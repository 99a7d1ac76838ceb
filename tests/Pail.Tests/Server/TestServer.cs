using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Oci;
using Pail.Server;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Tests.Server;

/// <summary>What a server answered.</summary>
internal sealed record Answer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);

    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    /// <summary>The code of its one error.</summary>
    public string? Code => Json.GetProperty("errors")[0].GetProperty("code").GetString();

    /// <summary>Itself, if it has this status.</summary>
    public Answer Is(int status)
    {
        Assert.True(Status == status, $"expected {status}, got {Status}: {Text}");
        return this;
    }

    /// <summary>Itself, if it is this error in the form of the specification.</summary>
    public Answer Is(int status, string code)
    {
        Is(status);
        Assert.Equal("application/json", this["Content-Type"]);
        Assert.Equal(code, Code);
        Assert.NotEmpty(Json.GetProperty("errors")[0].GetProperty("message").GetString()!);
        return this;
    }
}

/// <summary>A server in this process, on a free port, over a bucket.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private TestServer(WebApplication app, Bucket registry, RequestMeter meter)
    {
        (_app, Registry, Meter) = (app, registry, meter);
        Address = new Uri(app.Urls.First());
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address };
    }

    public Uri Address { get; }

    /// <summary>The bucket, as somebody else would use it: the server does not hear of what is done here.</summary>
    public Bucket Registry { get; }

    public RequestMeter Meter { get; }

    public WebApplication App => _app;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<TestServer> StartAsync(IObjectStore store, RequestMeter meter, LayoutKind layout, Func<ServerOptions, ServerOptions>? change = null, TimeProvider? time = null)
    {
        var registry = new Bucket(store, new TransferEngine(new() { Retry = new() { Attempts = 2, FirstDelay = TimeSpan.FromMilliseconds(1) } }), new BucketSettings(layout, Public: false) { Conditions = WriteConditions.Both });
        // Sweeping is asked for by the tests of it: it costs requests, at times nobody chose.
        var options = new ServerOptions { Listen = [new(System.Net.IPAddress.Loopback, 0)], SweepInterval = TimeSpan.Zero };
        var app = RegistryServer.Build(change is null ? options : change(options), registry, time);
        await app.StartAsync(Cancel);
        return new TestServer(app, registry, meter);
    }

    public async Task<Answer> SendAsync(HttpMethod method, string target, byte[]? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, target);
        if (body is not null)
            request.Content = new ByteArrayContent(body);
        foreach (var (name, value) in headers)
            if (!request.Headers.TryAddWithoutValidation(name, value))
                Assert.True(request.Content!.Headers.TryAddWithoutValidation(name, value));
        using var answer = await _http.SendAsync(request, Cancel);
        var all = answer.Headers.Concat<KeyValuePair<string, IEnumerable<string>>>(answer.Content.Headers).ToDictionary(pair => pair.Key, pair => string.Join(", ", pair.Value), StringComparer.OrdinalIgnoreCase);
        return new Answer((int)answer.StatusCode, all, await answer.Content.ReadAsByteArrayAsync(Cancel));
    }

    public Task<Answer> GetAsync(string target, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, target, null, headers);

    public Task<Answer> HeadAsync(string target, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Head, target, null, headers);

    public Task<Answer> DeleteAsync(string target) => SendAsync(HttpMethod.Delete, target);

    public Task<Answer> PutAsync(string target, byte[] body, string? type = MediaTypes.OciManifest) =>
        type is null ? SendAsync(HttpMethod.Put, target, body) : SendAsync(HttpMethod.Put, target, body, ("Content-Type", type));

    /// <summary>A GET, following a redirect to the bucket as clients do: with the Range header.</summary>
    public async Task<Answer> PullAsync(string target, string? range = null)
    {
        (string, string)[] headers = range is null ? [] : [("Range", range)];
        var answer = await GetAsync(target, headers);
        return answer.Status == 307 ? await GetAsync(answer["Location"]!, headers) : answer;
    }

    /// <summary>Puts a blob into the bucket, unknown to the server.</summary>
    public async Task<Descriptor> AddBlobAsync(string repository, byte[] content, DigestAlgorithm algorithm = DigestAlgorithm.Sha256, string type = MediaTypes.OciLayerGzip)
    {
        var blob = new Descriptor(type, Digest.Of(content, algorithm), content.Length);
        await Registry.Repository(RepositoryName.Parse(repository)).Blobs.PutAsync(blob, (offset, _) => Task.FromResult<Stream>(new MemoryStream(content[(int)offset..])), NoProgress.Instance, cancel: Cancel);
        return blob;
    }

    /// <summary>Puts the blobs of an image into the bucket, unknown to the server, and returns the manifest's bytes.</summary>
    public async Task<byte[]> AddImageAsync(string repository, int layers = 1, string more = "")
    {
        var config = await AddBlobAsync(repository, Encoding.UTF8.GetBytes($"{{\"nonce\":\"{Guid.NewGuid()}\"}}"), type: MediaTypes.OciConfig);
        var list = new List<Descriptor>();
        for (var i = 0; i < layers; i++)
            list.Add(await AddBlobAsync(repository, RandomNumberGenerator.GetBytes(100)));
        return Manifests.Image(config, list, more);
    }

    /// <summary>Pushes an image, its manifest through the server. Returns the digest.</summary>
    public async Task<Digest> PushAsync(string repository, string tag, string more = "")
    {
        var manifest = await AddImageAsync(repository, more: more);
        (await PutAsync($"/v2/{repository}/manifests/{tag}", manifest)).Is(201);
        return Digest.Of(manifest);
    }

    /// <summary>The S3 requests that some work makes.</summary>
    public async Task<(long A, long B)> CostAsync(Func<Task> work)
    {
        var before = (Meter.ClassA, Meter.ClassB);
        await work();
        return (Meter.ClassA - before.ClassA, Meter.ClassB - before.ClassB);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}

/// <summary>Manifests as clients write them.</summary>
internal static class Manifests
{
    public static string Json(Descriptor item, string more = "") => $$"""{"mediaType":"{{item.MediaType}}","digest":"{{item.Digest}}","size":{{item.Size}}{{more}}}""";

    public static byte[] Image(Descriptor config, IEnumerable<Descriptor> layers, string more = "") => Encoding.UTF8.GetBytes(
        $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{Json(config)}},"layers":[{{string.Join(',', layers.Select(layer => Json(layer)))}}]{{more}}}""");

    public static byte[] Index(IEnumerable<Descriptor> manifests, string more = "") => Encoding.UTF8.GetBytes(
        $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', manifests.Select(child => Json(child)))}}]{{more}}}""");

    public static Descriptor Describe(byte[] manifest, string type = MediaTypes.OciManifest) => new(type, Digest.Of(manifest), manifest.Length);
}
