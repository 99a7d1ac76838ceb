using System.Net.Http.Json;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;
using Pail.Tests.Transfer;
using Pail.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>Every request that a push makes to S3 is made to fail in turn, before it takes effect and after.</summary>
[NeedsServers]
public sealed class UploadFaultTests : IAsyncDisposable
{
    private const int MiB = 1 << 20;
    private const string Uploads = "/v2/team/app/blobs/uploads/";

    // A case mostly waits: for what stalls, or because it is told to.
    private static readonly ParallelOptions Together = new() { MaxDegreeOfParallelism = 6 };

    private readonly string _bucket = S3Server.NewName();
    private readonly Fault _failed = new Fault.Answer(500, "InternalError");
    private readonly HttpClient _http = new() { Timeout = Eventually.Stalled };

    /// <summary>The ways to push.</summary>
    public enum Push
    {
        DigestFirst,
        DigestLast,
        Chunked,
        Direct,
    }

    public static TheoryData<Push, int> Pushes => new()
    {
        { Push.DigestFirst, 100 },
        { Push.DigestFirst, 9 * MiB },
        { Push.DigestLast, 100 },
        { Push.DigestLast, 9 * MiB },
        { Push.Chunked, 21 * MiB },
        { Push.Direct, 12 * MiB },
    };

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await S3Server.Ceph.RemoveAsync(_bucket);
    }

    [Theory]
    [MemberData(nameof(Pushes))]
    public Task AnyRequestFailing_IsToldAsSuch_AndTheNextPushSucceeds(Push push, int size) => FailAsync(push, size, Some);

    [Theory]
    [MemberData(nameof(Pushes))]
    [Trait("Category", "Long")]
    public Task AnyRequestFailingInAnyWay_IsToldAsSuch_AndTheNextPushSucceeds(Push push, int size) => FailAsync(push, size, All);

    [Theory]
    [MemberData(nameof(Pushes))]
    public Task AnyRequestFailingOnce_IsTriedAgain_AndNobodyNotices(Push push, int size) => FailOnceAsync(push, size, Some);

    [Theory]
    [MemberData(nameof(Pushes))]
    [Trait("Category", "Long")]
    public Task AnyRequestFailingOnceInAnyWay_IsTriedAgain_AndNobodyNotices(Push push, int size) => FailOnceAsync(push, size, All);

    [Fact]
    public async Task DigestLast_SessionOutlivesEachFailure()
    {
        await using var bench = await StartAsync(attempts: 1);
        var (server, proxy) = (bench.Server, bench.Proxy);
        var blob = new TestBlob(9 * MiB);
        var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        foreach (var operation in (StoreOperation[])[StoreOperation.CreateMultipartUpload, StoreOperation.UploadPart, StoreOperation.CompleteMultipartUpload])
        {
            proxy.On(request => request.Operation == operation, new Fault.Answer(500, "InternalError"), times: 1);
            (await server.SendAsync("PATCH", location, Bodies.Streamed(blob.Bytes))).Is(503);
            Assert.Equal("0-0", (await server.SendAsync("GET", location)).Is(204)["Range"]);
        }
        location = (await server.SendAsync("PATCH", location, Bodies.Streamed(blob.Bytes))).Is(202).Location;
        proxy.On(request => request.Operation == StoreOperation.CopyObject, new Fault.AnswerAfter(500, "InternalError"), times: 1);
        (await server.SendAsync("PUT", $"{location}?digest={blob.Descriptor.Digest}", Bodies.Empty())).Is(503);
        (await server.SendAsync("PUT", $"{location}?digest={blob.Descriptor.Digest}", Bodies.Empty())).Is(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
    }

    [Fact]
    public async Task Direct_SessionOutlivesEachFailure()
    {
        await using var bench = await StartAsync(attempts: 1);
        var (server, proxy) = (bench.Server, bench.Proxy);
        var blob = new TestBlob(12 * MiB);
        var session = (await BeginDirectAsync(server, blob)).Json.GetProperty("session").GetString()!;
        var parts = await SendPartsAsync(server, session, blob);
        foreach (var (operation, fault) in ((StoreOperation, Fault)[])[(StoreOperation.CompleteMultipartUpload, _failed), (StoreOperation.GetObject, _failed), (StoreOperation.CopyObject, _failed), (StoreOperation.CopyObject, new Fault.AnswerAfter(500, "InternalError"))])
        {
            proxy.On(request => request.Operation == operation, fault, times: 1);
            var answer = (await server.SendAsync("PUT", session, JsonContent.Create(new { parts }))).Is(503);
            Assert.True(int.Parse(answer["Retry-After"]!) > 0);
        }
        (await server.SendAsync("PUT", session, JsonContent.Create(new { parts }))).Is(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
    }

    // Each request meets one of the faults, each fault some of the requests.
    private static IEnumerable<(int Index, Fault Fault)> Some(int requests) => All(requests).Where(one => Array.IndexOf(Kinds, one.Fault.GetType()) == one.Index % Kinds.Length);

    private static IEnumerable<(int Index, Fault Fault)> All(int requests) =>
        from index in Enumerable.Range(0, requests)
        from fault in (Fault[])
        [
            new Fault.AnswerAfter(500, "InternalError"),
            new Fault.ResetAfter(),
            new Fault.Answer(500, "InternalError"),
            new Fault.ResetBefore(),
            new Fault.Stall(),
            new Fault.Answer(503, "SlowDown", RetryAfter: 2),
        ]
        select (index, fault);

    private static readonly Type[] Kinds = [typeof(Fault.AnswerAfter), typeof(Fault.ResetAfter), typeof(Fault.Answer), typeof(Fault.ResetBefore), typeof(Fault.Stall)];

    private static IEnumerable<(int, Fault)> LongestFirst(IEnumerable<(int, Fault Fault)> cases) => cases.OrderBy(one => one.Fault is not (Fault.Stall or Fault.Answer { RetryAfter: not null }));

    private async Task FailAsync(Push push, int size, Func<int, IEnumerable<(int, Fault)>> choose) => await Parallel.ForEachAsync(LongestFirst(choose(await CountAsync(push, size))), Together, async (one, _) =>
    {
        var (index, fault) = one;
        await using var bench = await StartAsync(attempts: 1, fault);
        var (server, proxy) = (bench.Server, bench.Proxy);
        var blob = new TestBlob(size, seed: Random.Shared.Next());
        proxy.On(_ => true, fault, times: 1, skip: index);
        var answers = await PushAsync(server, push, blob);
        proxy.Heal();
        var failed = answers[^1];
        if (failed.Status == 201) // what was harmed was the cleaning up, or the store could be asked whether it had happened
            blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        else
            Assert.True(failed.Status is 503 && int.Parse(failed["Retry-After"]!) > 0, $"{fault} at request {index}: {string.Join(" ", answers.Select(answer => answer.Status))} {failed.Text}");
        if (fault is Fault.Answer { RetryAfter: { } seconds } && failed.Status != 201)
            Assert.Equal((503, seconds), (failed.Status, int.Parse(failed["Retry-After"]!)));
        var again = (await PushAsync(server, push, blob))[^1];
        Assert.True(again.Status == 201, $"{again.Status} {again.Text} after {fault} at request {index}");
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        await AssertMemoryIsBackAsync(server);
    });

    private async Task FailOnceAsync(Push push, int size, Func<int, IEnumerable<(int, Fault)>> choose)
    {
        await Parallel.ForEachAsync(LongestFirst(choose(await CountAsync(push, size))), Together, async (one, _) =>
        {
            var (index, fault) = one;
            await using var bench = await StartAsync(attempts: 4, fault);
            var (server, proxy) = (bench.Server, bench.Proxy);
            var blob = new TestBlob(size, seed: Random.Shared.Next());
            proxy.On(_ => true, fault, times: 1, skip: index);
            var answers = await PushAsync(server, push, blob);
            proxy.Heal();
            Assert.True(answers[^1].Status == 201, $"{fault} at request {index}: {string.Join(" ", answers.Select(answer => answer.Status))} {answers[^1].Text}");
            blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
            await AssertMemoryIsBackAsync(server);
        });
        await using var whole = await StartAsync(attempts: 4);
        Assert.Empty(await whole.Server.KeysAsync("pail/uploads/"));
    }

    private async Task<Bench> StartAsync(int attempts, Fault? fault = null)
    {
        var patience = fault is Fault.Stall ? Eventually.Stalled : Eventually.Limit;
        using (var admin = S3Server.Ceph.Open(_bucket))
            await admin.CreateBucketAsync(TestContext.Current.CancellationToken);
        var proxy = S3Proxy.Start();
        var options = (S3Server.Ceph with { Endpoint = proxy.Endpoint.ToString() }).Options(_bucket) with
        {
            StallTimeout = patience,
            AnswerTimeout = patience,
            AssemblyTimeout = patience,
        };
        var store = S3Store.Open(options, new RequestMeter());
        var retry = new RetryOptions { Attempts = attempts, FirstDelay = TimeSpan.FromMilliseconds(1), LongestDelay = TimeSpan.FromMilliseconds(5) };
        return new(proxy, store, await TestServer.StartReplicasAsync(store, transfer: new TransferOptions { Retry = retry }, redirect: store));
    }

    // How many requests a push makes if nothing is wrong.
    private async Task<int> CountAsync(Push push, int size)
    {
        await using var bench = await StartAsync(attempts: 1);
        Assert.Equal(201, (await PushAsync(bench.Server, push, new TestBlob(size, seed: -1)))[^1].Status);
        return bench.Proxy.Take().Count;
    }

    /// <summary>Pushes until something fails or all is done. Returns all answers.</summary>
    private async Task<List<Answer>> PushAsync(TestServer server, Push push, TestBlob blob)
    {
        if (push == Push.Direct)
            return await PushDirectAsync(server, blob);
        var answers = new List<Answer> { (await server.SendAsync("POST", Uploads, Bodies.Empty())).Is(202) };
        var digest = $"?digest={blob.Descriptor.Digest}";
        if (push == Push.DigestFirst)
        {
            answers.Add(await server.SendAsync("PUT", answers[^1].Location + digest, Bodies.Sized(blob.Bytes)));
            return answers;
        }
        // 9 MiB, 3 MiB, which is too little to stand alone, and 9 MiB.
        (int From, int Length)[] chunks = push == Push.DigestLast ? [(0, blob.Bytes.Length)] : [(0, 9 * MiB), (9 * MiB, 3 * MiB), (12 * MiB, 9 * MiB)];
        foreach (var (from, length) in chunks)
        {
            answers.Add(await server.SendAsync("PATCH", answers[^1].Location, Bodies.Sized(blob.Bytes, from, length)));
            if (answers[^1].Status != 202)
                return answers;
        }
        answers.Add(await server.SendAsync("PUT", answers[^1].Location + digest, Bodies.Empty()));
        return answers;
    }

    private async Task<List<Answer>> PushDirectAsync(TestServer server, TestBlob blob)
    {
        var begun = await BeginDirectAsync(server, blob);
        if (begun.Status != 200)
            return [begun];
        if (begun.Json.GetProperty("state").GetString() == "present")
            return [begun with { Status = 201 }];
        var session = begun.Json.GetProperty("session").GetString()!;
        var parts = await SendPartsAsync(server, session, blob);
        return [begun, await server.SendAsync("PUT", session, JsonContent.Create(new { parts }))];
    }

    private static Task<Answer> BeginDirectAsync(TestServer server, TestBlob blob) =>
        server.SendAsync("POST", "/v2/team/app/_pail/uploads", JsonContent.Create(new { digest = blob.Descriptor.Digest.ToString(), size = blob.Descriptor.Size }));

    // These requests to S3 are the client's own: what fails it sends again.
    private async Task<List<object>> SendPartsAsync(TestServer server, string session, TestBlob blob)
    {
        const int Size = 8 * MiB;
        var urls = (await server.SendAsync("POST", $"{session}?first=1&count=2")).Is(200).Json.GetProperty("urls");
        var parts = new List<object>();
        for (var from = 0; from < blob.Bytes.Length; from += Size)
        {
            var length = Math.Min(Size, blob.Bytes.Length - from);
            for (string? etag = null; etag is null;)
                try
                {
                    using var answer = await _http.PutAsync(new Uri(urls[parts.Count].GetString()!), new ByteArrayContent(blob.Bytes, from, length), TestContext.Current.CancellationToken);
                    if (answer.IsSuccessStatusCode)
                        parts.Add(new { etag = etag = answer.Headers.ETag!.Tag, size = length });
                }
                catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !TestContext.Current.CancellationToken.IsCancellationRequested)
                {
                    // The fault this test is about.
                }
        }
        return parts;
    }

    private static Task AssertMemoryIsBackAsync(TestServer server) => Eventually.TrueAsync(() => server.Engines[0].Buffers.InUse == 0);

    /// <summary>A server, and what is between it and the bucket.</summary>
    private sealed record Bench(S3Proxy Proxy, S3Store Store, TestServer Server) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Server.DisposeAsync();
            Store.Dispose();
            await Proxy.DisposeAsync();
        }
    }
}
