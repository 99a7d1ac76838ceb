using System.Text.Json.Nodes;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.EndToEnd;

/// <summary>What a copy from one bucket to another sends, and asks for. These numbers are promises.</summary>
[NeedsServers]
public sealed class BucketToBucketTests : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private readonly S3Proxy _proxy = S3Proxy.Start();
    private TestBucket _bucket = null!;
    private TestBucket _other = null!;

    public async ValueTask InitializeAsync()
    {
        _bucket = await TestBucket.TakeAsync();
        _other = await TestBucket.TakeAsync();
        await new PailCli(_proxy.Endpoint).DoAsync("init", _bucket.Address);
        await new PailCli(_proxy.Endpoint).DoAsync("init", _other.Address);
        var layout = new TestLayout(_folder["layout"]);
        layout.Tag(layout.Image(layers: 3));
        await new PailCli(_proxy.Endpoint).DoAsync("push", layout.Address(), $"{_bucket.Address}/app:1");
    }

    public async ValueTask DisposeAsync()
    {
        await _bucket.DisposeAsync();
        await _other.DisposeAsync();
        await _proxy.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Copy_ToAnotherBucket_LayersAreCopiedByTheStore()
    {
        var (forecast, _) = await CopyAsync($"{_other.Address}/app:1", "--dry-run");
        var (report, requests) = await CopyAsync($"{_other.Address}/app:1");

        Assert.Equal((3, 1), Outcomes(report));
        // Who owns the source is asked once; config, manifest and tag are put.
        Assert.Equal((3, 1, 3), (Count(requests, StoreOperation.CopyObject), Count(requests, StoreOperation.ListBuckets), Count(requests, StoreOperation.PutObject)));
        // Both settings, both tags, the manifest at the destination; each layer at both ends; the config is read.
        Assert.Equal(5 + 6 + 1, S3Counts.Of(requests).B);
        Assert.Equal((int)report["requests"]!["classA"]!, (int)forecast["requests"]!["classA"]!);
        Assert.Equal(Outcomes(report), Outcomes(forecast));
        await AssertWholeAsync($"{_other.Address}/app:1");
    }

    [Fact]
    public async Task Copy_ToAPartOfTheBucket_NobodyIsAskedWhoseItIs()
    {
        await new PailCli(_proxy.Endpoint).DoAsync("init", $"{_bucket.Address}/part//", "--layout=pool");

        var (report, requests) = await CopyAsync($"{_bucket.Address}/part//team/app:1");

        Assert.Equal((3, 1), Outcomes(report));
        // In a pool a tag is two objects.
        Assert.Equal((3, 0, 4), (Count(requests, StoreOperation.CopyObject), Count(requests, StoreOperation.ListBuckets), Count(requests, StoreOperation.PutObject)));
        await AssertWholeAsync($"{_bucket.Address}/part//team/app:1");
    }

    [Theory]
    [InlineData(403, "AccessDenied")]
    [InlineData(501, "NotImplemented")]
    public async Task Copy_StoreRefusesToCopy_LayersAreSent(int status, string code)
    {
        _proxy.On(request => request.Operation == StoreOperation.CopyObject, new Fault.Answer(status, code));

        var (report, requests) = await CopyAsync($"{_other.Address}/app:1");

        Assert.Equal((0, 4), Outcomes(report));
        Assert.InRange(Count(requests, StoreOperation.CopyObject), 1, 3);
        await AssertWholeAsync($"{_other.Address}/app:1");
    }

    [Fact]
    public async Task Copy_NotKnownWhoseTheSourceIs_LayersAreReadAndHashed()
    {
        _proxy.On(request => request.Operation == StoreOperation.ListBuckets, new Fault.Answer(403, "AccessDenied"));

        var (report, requests) = await CopyAsync($"{_other.Address}/app:1");

        Assert.Equal((0, 4), Outcomes(report));
        Assert.Equal((0, 1), (Count(requests, StoreOperation.CopyObject), Count(requests, StoreOperation.ListBuckets)));
        await AssertWholeAsync($"{_other.Address}/app:1");
    }

    [Fact]
    public async Task Copy_BlobOfAnotherSize_IsNotCopied()
    {
        var layer = "";
        foreach (var key in await _bucket.KeysAsync("v2/app/blobs/"))
            if ((await _bucket.ReadAsync(key)).Length > 64 << 10)
                layer = key;
        await _bucket.WriteAsync(layer, new byte[70_000]);

        var refused = await new PailCli(_proxy.Endpoint).RunAsync("copy", $"{_bucket.Address}/app:1", $"{_other.Address}/app:1");

        Assert.Equal(5, refused.ExitCode);
        Assert.DoesNotContain(layer, await _other.KeysAsync());
    }

    private async Task<(JsonNode Report, IReadOnlyList<S3Request> Requests)> CopyAsync(string to, params string[] options)
    {
        _proxy.Take();
        var done = await new PailCli(_proxy.Endpoint).DoAsync(["copy", "--json", "--explain-cost", $"{_bucket.Address}/app:1", to, .. options]);
        return (JsonNode.Parse(done.Output)!, _proxy.Take());
    }

    // What is read from a bucket is compared with its digest.
    private async Task AssertWholeAsync(string address)
    {
        await PailCli.Direct.DoAsync("copy", address, $"oci:{_folder["back"]}:1");
        Assert.Equal((await PailCli.Direct.DoAsync("digest", $"oci:{_folder["layout"]}:1")).Output, (await PailCli.Direct.DoAsync("digest", $"oci:{_folder["back"]}:1")).Output);
    }

    private static (int Copied, int Sent) Outcomes(JsonNode report) => ((int)report["blobs"]!["copied"]!, (int)report["blobs"]!["sent"]!);

    private static int Count(IEnumerable<S3Request> requests, StoreOperation operation) => requests.Count(request => request.Operation == operation);
}
