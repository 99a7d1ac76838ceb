using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Server;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>Registry servers over one bucket, with one secret and nothing else in common.</summary>
internal sealed class Replicas : IAsyncDisposable
{
    private readonly List<WebApplication> _servers = [];

    private Replicas(IObjectStore store, LayoutKind layout) => (Store, Layout) = (store, BucketLayout.Of(layout));

    public IObjectStore Store { get; }

    public BucketLayout Layout { get; }

    public List<TransferEngine> Engines { get; } = [];

    public List<IPEndPoint> Endpoints { get; } = [];

    public HttpClient Http { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Eventually.Limit };

    /// <summary>Starts servers.</summary>
    /// <param name="store">The bucket.</param>
    /// <param name="count">How many.</param>
    /// <param name="layout">How the bucket is laid out.</param>
    /// <param name="transfer">What each may use.</param>
    /// <param name="time">Their clock; if null one that stands still, so that a slow machine does not make what was just seen old.</param>
    /// <param name="wrap">What the first of them sees of the bucket.</param>
    /// <param name="redirect">What presigns, if clients may reach the bucket.</param>
    public static async Task<Replicas> StartAsync(
        IObjectStore store, int count = 1, LayoutKind layout = LayoutKind.V2, TransferOptions? transfer = null, TimeProvider? time = null, IObjectStore? wrap = null, IPresigner? redirect = null)
    {
        var replicas = new Replicas(store, layout);
        for (var i = 0; i < count; i++)
        {
            var engine = new TransferEngine(transfer ?? new());
            var options = new ServerOptions { Listen = [new(IPAddress.Loopback, 0)], Secret = "a secret that all replicas share"u8.ToArray(), SweepInterval = TimeSpan.Zero, Redirect = redirect };
            var server = RegistryServer.Build(options, new Bucket(i == 0 && wrap is not null ? wrap : store, engine, new BucketSettings(layout, Public: false)), time ?? new FakeTimeProvider(DateTimeOffset.UtcNow));
            await server.StartAsync();
            replicas._servers.Add(server);
            replicas.Engines.Add(engine);
            var address = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
            replicas.Endpoints.Add(IPEndPoint.Parse(new Uri(address).Authority));
        }
        return replicas;
    }

    /// <summary>Sends a request to one of them.</summary>
    /// <param name="method">The method.</param>
    /// <param name="location">A path, or a Location from whichever replica.</param>
    /// <param name="content">The body; null for none.</param>
    /// <param name="range">The Content-Range, if any.</param>
    /// <param name="replica">Which.</param>
    public async Task<Answer> SendAsync(string method, string location, HttpContent? content = null, string? range = null, int replica = 0)
    {
        var path = Uri.TryCreate(location, UriKind.Absolute, out var absolute) && absolute.Scheme == "http" ? absolute.PathAndQuery : location;
        using var request = new HttpRequestMessage(new HttpMethod(method), $"http://{Endpoints[replica]}{path}") { Content = content };
        if (range is not null)
            request.Content!.Headers.TryAddWithoutValidation("Content-Range", range);
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        return new Answer(
            (int)response.StatusCode,
            response.Headers.Concat(response.Content.Headers).ToDictionary(header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase),
            await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>The bytes stored as a blob; null if there are none.</summary>
    public async Task<byte[]?> BlobAsync(Digest digest, string repository = "team/app")
    {
        await using var content = await Store.GetAsync(Layout.BlobKey(RepositoryName.Parse(repository), digest), null, TestContext.Current.CancellationToken);
        if (content is null)
            return null;
        var bytes = new byte[content.Length];
        await content.Body.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken);
        return bytes;
    }

    /// <summary>The keys there are with a prefix.</summary>
    public async Task<IReadOnlyList<string>> KeysAsync(string prefix = "") =>
        [.. (await Store.ListAsync(new(prefix), TestContext.Current.CancellationToken)).Objects.Select(entry => entry.Key)];

    /// <summary>Fails unless all memory has been given back and no upload is left unfinished.</summary>
    public async Task AssertNothingLeftAsync()
    {
        // What a client broke off is cleaned up after it is gone.
        var left = 0;
        await Eventually.TrueAsync(
            async () => Engines.All(engine => engine.Buffers.InUse == 0) && (left = (await Store.ListUploadsAsync("", TestContext.Current.CancellationToken)).Count) == 0,
            () => $"{Engines.Sum(engine => engine.Buffers.InUse)} bytes in use, {left} uploads left");
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        foreach (var server in _servers)
            await server.DisposeAsync();
    }
}

/// <summary>An answer, read whole.</summary>
internal sealed record Answer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);

    public string Location => this["Location"] ?? throw new InvalidOperationException($"{Status} without Location: {Text}");

    public string Text => System.Text.Encoding.UTF8.GetString(Body);

    public System.Text.Json.JsonElement Json => System.Text.Json.JsonDocument.Parse(Body).RootElement;

    /// <summary>The code of the error.</summary>
    public string? Code => Body.Length == 0 ? null : Json.GetProperty("errors")[0].GetProperty("code").GetString();

    /// <summary>Fails unless it has this status.</summary>
    public Answer Expect(int status)
    {
        Assert.True(Status == status, $"{status} was expected, {Status} came: {Text}");
        return this;
    }
}
