using System.Security.Cryptography;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.Server;

/// <summary>
/// From one request to the bucket on, all fail, in every way they can: the client hears that it may try again, nothing
/// wrong is visible, and when the bucket is well again a retry does it.
/// </summary>
[NeedsServers]
public sealed class FaultTests : IAsyncLifetime
{
    private const string App = "team/app";

    private readonly string _bucket = S3Server.NewName();
    private readonly S3Proxy _proxy = S3Proxy.Start();
    private readonly RequestMeter _meter = new();
    private Pail.S3.S3Store _store = null!;
    private TestServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Faults => new(Kinds.Keys);

    private static Dictionary<string, Fault> Kinds { get; } = new()
    {
        ["500"] = new Fault.Answer(500, "InternalError"),
        ["500 after it took effect"] = new Fault.AnswerAfter(500, "InternalError"),
        ["SlowDown"] = new Fault.Answer(503, "SlowDown"),
        ["reset"] = new Fault.ResetBefore(),
        ["reset after it took effect"] = new Fault.ResetAfter(),
    };

    public async ValueTask InitializeAsync()
    {
        using (var direct = S3Server.Ceph.Open(_bucket))
            await direct.CreateBucketAsync(Cancel);
        _store = Pail.S3.S3Store.Open(S3Server.Ceph.Options(_bucket) with { Endpoint = _proxy.Endpoint.ToString() }, _meter);
        await _store.ListAsync(new ListQuery("", Limit: 1), Cancel);
        _server = await TestServer.StartAsync(_store, _meter, LayoutKind.V2);
    }

    // Makes the requests from the first, the second, ... on fail, until the work needs fewer. Returns how many it needs.
    private async Task<int> FailInTurnAsync(string kind, Func<int, Task<Func<Task<Answer>>>> prepare, Func<Answer, Task> check)
    {
        for (var passing = 0; ; passing++)
        {
            var work = await prepare(passing);
            _proxy.On(_ => true, Kinds[kind], skip: passing);
            var answer = await work();
            _proxy.Heal();
            if (answer.Status < 300)
                return passing;
            answer.Is(503, "UNAVAILABLE");
            Assert.True(int.Parse(answer["Retry-After"]!) >= 1);
            await check(await work());
        }
    }

    private async Task AssertWholeAsync(string tag)
    {
        var manifest = await _server.GetAsync($"/v2/{App}/manifests/{tag}");
        if (manifest.Status == 404)
            return;
        var digest = manifest.Is(200)["Docker-Content-Digest"];
        await using var other = await TestServer.StartAsync(_store, _meter, LayoutKind.V2);
        Assert.Equal(manifest.Body, (await other.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200).Body);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Push_EachRequestFails_IsTriedAgainWithSuccess(string kind)
    {
        var subject = Digest.Of("subject"u8);
        byte[] manifest = [];
        var tag = "";
        var needed = await FailInTurnAsync(
            kind,
            async passing =>
            {
                tag = $"t{passing}";
                manifest = await _server.AddImageAsync(App, more: $",\"subject\":{ManifestJson.Of(new(MediaTypes.OciManifest, subject, 7))}");
                return async () =>
                {
                    var answer = await _server.PutAsync($"/v2/{App}/manifests/{tag}", manifest);
                    _proxy.Heal();
                    await AssertWholeAsync(tag);
                    return answer;
                };
            },
            async again =>
            {
                again.Is(201);
                Assert.Equal(manifest, (await _server.GetAsync($"/v2/{App}/manifests/{tag}")).Is(200).Body);
                var listed = (await _server.GetAsync($"/v2/{App}/referrers/{subject}")).Is(200).Text;
                Assert.Contains(Digest.Of(manifest).ToString(), listed, StringComparison.Ordinal);
            });
        // The tag, two blobs, the list of referrers read and written, the manifest, the tag.
        Assert.Equal(7, needed);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Delete_EachRequestFails_IsTriedAgainWithSuccess(string kind)
    {
        Digest digest = default;
        var needed = await FailInTurnAsync(
            kind,
            async _ =>
            {
                digest = await _server.PushAsync(App, "doomed");
                return async () =>
                {
                    var answer = await _server.DeleteAsync($"/v2/{App}/manifests/{digest}");
                    _proxy.Heal();
                    await AssertWholeAsync("doomed");
                    return answer;
                };
            },
            async again =>
            {
                Assert.True(again.Status is 202 or 404, again.Text);
                (await _server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(404);
                (await _server.GetAsync($"/v2/{App}/manifests/doomed")).Is(404);
            });
        Assert.True(needed >= 5);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Pulls_Fail_AreNotMistakenForMissing(string kind)
    {
        var digest = await _server.PushAsync(App, "1");
        var blob = await _server.AddBlobAsync(App, [1, 2, 3]);
        await using var fresh = await TestServer.StartAsync(_store, _meter, LayoutKind.V2);
        string[] paths = [$"manifests/1", $"manifests/{digest}", $"blobs/{blob.Digest}", "tags/list", $"referrers/{digest}"];
        _proxy.On(_ => true, Kinds[kind]);
        foreach (var path in paths)
        {
            (await fresh.GetAsync($"/v2/{App}/{path}")).Is(503, "UNAVAILABLE");
            (await fresh.HeadAsync($"/v2/{App}/{path}")).Is(503);
        }
        (await fresh.GetAsync("/readyz")).Is(503);
        _proxy.Heal();
        foreach (var path in paths)
            (await fresh.GetAsync($"/v2/{App}/{path}")).Is(200);
    }

    [Fact]
    public async Task Stream_TheBucketBreaksOff_IsTakenUpWhereItBroke()
    {
        var content = RandomNumberGenerator.GetBytes(3 << 20);
        var blob = await _server.AddBlobAsync(App, content);
        _proxy.On(request => request.Method == "GET", new Fault.Truncate(1 << 20), times: 2);
        Assert.Equal(content, (await _server.GetAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(200).Body);
    }

    [Fact]
    public async Task Stream_TheBucketBreaksOffForGood_IsNeverTakenForTheWhole()
    {
        var blob = await _server.AddBlobAsync(App, RandomNumberGenerator.GetBytes(3 << 20));
        _proxy.On(request => request.Method == "GET", new Fault.Truncate(1 << 20), times: 1);
        _proxy.On(request => request.Method == "GET", new Fault.Answer(500, "InternalError"));
        await Assert.ThrowsAsync<HttpRequestException>(() => _server.GetAsync($"/v2/{App}/blobs/{blob.Digest}"));
        _proxy.Heal();
        (await _server.GetAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(200);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _store.Dispose();
        await _proxy.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
    }
}
