using System.Text;
using System.Text.Json;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit.Servers;
using Pail.Tests.Server.Uploads;
using Pail.Tests.Transfer;

namespace Pail.Tests.Server;

/// <summary>What clients get, and the log says, when the bucket refuses.</summary>
public sealed class StoreRefusalTests
{
    private const string App = "team/app";

    private readonly HookedStore _store = new(new MemoryStore());

    [Theory]
    [InlineData(StoreError.AccessDenied, 403, "DENIED", "permissions")]
    [InlineData(StoreError.BadCredentials, 500, "UNKNOWN", "clock")]
    [InlineData(StoreError.Unsupported, 405, "UNSUPPORTED", "docs/server.md")]
    [InlineData(StoreError.ConditionUnsupported, 405, "UNSUPPORTED", "docs/server.md")]
    [InlineData(StoreError.Rejected, 500, "UNKNOWN", "region")]
    [InlineData(StoreError.NoSuchBucket, 503, "UNAVAILABLE", "Make the bucket")]
    [InlineData(StoreError.Unavailable, 503, "UNAVAILABLE", null)]
    [InlineData(StoreError.Throttled, 503, "UNAVAILABLE", null)]
    [InlineData(StoreError.ChecksumMismatch, 503, "UNAVAILABLE", null)]
    public async Task Store_Refuses_IsToldAsWhatItIs(StoreError error, int status, string code, string? advice)
    {
        using var output = new MemoryStream();
        await using (var server = await TestServer.StartAsync(_store, new RequestMeter(), LayoutKind.V2, options => options with { Log = output }))
        {
            var manifest = await server.AddImageAsync(App);
            _store.Before = _ => throw new StoreException(error, "s3://bucket: refused");
            (string Method, string Path, byte[]? Body)[] requests =
            [
                ("GET", $"/v2/{App}/manifests/1", null),
                ("GET", $"/v2/{App}/blobs/{Digest.Of("x"u8)}", null),
                ("GET", $"/v2/{App}/tags/list", null),
                ("GET", "/v2/_catalog", null),
                ("GET", $"/v2/{App}/referrers/{Digest.Of("x"u8)}", null),
                ("PUT", $"/v2/{App}/manifests/1", manifest),
                ("DELETE", $"/v2/{App}/manifests/1", null),
                ("POST", $"/v2/{App}/blobs/uploads/?digest={Digest.Of("x"u8)}", "x"u8.ToArray()),
            ];
            foreach (var (method, path, body) in requests)
            {
                var answer = (await server.SendAsync(new(method), path, body)).Is(status, code);
                Assert.Equal(status == 503, answer["Retry-After"] is not null);
            }
        }
        var lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        var told = lines.Where(line => line.GetProperty("message").GetString()!.Contains("s3://bucket: refused", StringComparison.Ordinal)).ToList();
        Assert.Equal(8, told.Count);
        Assert.All(told, line => Assert.Equal(advice is null ? "warning" : "error", line.GetProperty("level").GetString()));
        Assert.All(told, line => Assert.Contains(advice ?? "", line.GetProperty("message").GetString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Store_AsksToSlowDown_SaysForHowLong()
    {
        await using var server = await TestServer.StartAsync(_store, new RequestMeter(), LayoutKind.V2);
        _store.Before = _ => throw new StoreException(StoreError.Throttled, "slow down") { RetryAfter = TimeSpan.FromMilliseconds(1100) };
        Assert.Equal("2", (await server.GetAsync($"/v2/{App}/tags/list")).Is(503, "UNAVAILABLE")["Retry-After"]);
    }

    [Fact]
    public async Task Unexpected_Failure_IsLoggedWithWhereItHappened()
    {
        using var output = new MemoryStream();
        await using (var server = await TestServer.StartAsync(_store, new RequestMeter(), LayoutKind.V2, options => options with { Log = output }))
        {
            _store.Before = _ => throw new InvalidOperationException("nobody thought of this");
            (await server.GetAsync($"/v2/{App}/tags/list", ("X-Request-Id", "it"))).Is(500, "UNKNOWN");
        }
        var line = JsonDocument.Parse(Encoding.UTF8.GetString(output.ToArray()).Split('\n')[0]).RootElement;
        Assert.Equal("error", line.GetProperty("level").GetString());
        Assert.Equal("it", line.GetProperty("id").GetString());
        Assert.Contains("nobody thought of this", line.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("   at ", line.GetProperty("exception").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Index_WithMissingManifests_IsTakenOnlyIfSparseIsAllowed()
    {
        var missing = new Descriptor(MediaTypes.OciManifest, Digest.Of("elsewhere"u8), 9);
        await using var strict = await TestServer.StartAsync(_store, new RequestMeter(), LayoutKind.V2);
        await using var sparse = await TestServer.StartAsync(_store, new RequestMeter(), LayoutKind.V2, options => options with { AllowSparse = true });
        var image = await sparse.AddImageAsync(App);
        (await sparse.PutAsync($"/v2/{App}/manifests/{Digest.Of(image)}", image)).Is(201);
        var index = ManifestJson.Index([ManifestJson.Describe(image), missing]);
        (await strict.PutAsync($"/v2/{App}/manifests/1", index, MediaTypes.OciIndex)).Is(400, "MANIFEST_BLOB_UNKNOWN");
        (await sparse.PutAsync($"/v2/{App}/manifests/1", index, MediaTypes.OciIndex)).Is(201);
        Assert.Equal(index, (await strict.GetAsync($"/v2/{App}/manifests/1")).Is(200).Body);
        // An image needs its blobs all the same.
        var broken = ManifestJson.Image(new(MediaTypes.OciConfig, Digest.Of("none"u8), 4), []);
        (await sparse.PutAsync($"/v2/{App}/manifests/2", broken)).Is(400, "MANIFEST_BLOB_UNKNOWN");
    }
}
