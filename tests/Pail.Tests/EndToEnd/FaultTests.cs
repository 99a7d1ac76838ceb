using Pail.Cli;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.EndToEnd;

/// <summary>A store that fails: once for each request, and then push and pull end well by themselves; or for good, and then they say so and leave nothing wrong.</summary>
[NeedsServers]
public sealed class FaultTests : IAsyncLifetime
{
    private static readonly Dictionary<string, Fault> Faults = new()
    {
        ["500"] = new Fault.Answer(500, "InternalError"),
        ["503 SlowDown"] = new Fault.Answer(503, "SlowDown"),
        ["429"] = new Fault.Answer(429, "TooManyRequests", RetryAfter: 1),
        ["reset before"] = new Fault.ResetBefore(1000),
        ["reset after"] = new Fault.ResetAfter(),
        ["500 after"] = new Fault.AnswerAfter(500, "InternalError"),
        ["truncated"] = new Fault.Truncate(20),
        ["stalled"] = new Fault.Stall(),
    };

    private CrashBench _bench = null!;

    public static TheoryData<string> Passing { get; } = new(Faults.Keys.Where(name => name != "stalled"));

    public static TheoryData<string> Lasting { get; } = ["500", "503 SlowDown", "reset before", "reset after"];

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task Push_EveryRequestFailsOnce_EndsWell(string fault)
    {
        _bench.Proxy.On(FirstTry(), Faults[fault]);
        await _bench.Pail.DoAsync(_bench.Push);
        // Whose answer is lost, that upload nobody can name: others may be pushing the same blob, so it isn't guessed at.
        var lost = _bench.Proxy.Requests.Count(request => request.Operation == StoreOperation.CreateMultipartUpload) > 1 && fault is "reset after" or "500 after" or "truncated" ? 1 : 0;
        Assert.Equal(lost, await _bench.UploadsLeftAsync());
        await _bench.AssertPushRecoversAsync();
    }

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task Pull_EveryRequestFailsOnce_EndsWell(string fault)
    {
        await _bench.Pail.DoAsync(_bench.Push);
        _bench.Proxy.On(FirstTry(), Faults[fault]);
        await _bench.Pail.DoAsync(_bench.Pull);
        await _bench.AssertPullRecoversAsync();
    }

    [Fact]
    public async Task Push_APartStalls_IsSentAgain()
    {
        _bench.Proxy.On(request => request.Operation == StoreOperation.UploadPart, Faults["stalled"], times: 1);
        await _bench.Pail.DoAsync(_bench.Push);
        await _bench.AssertPushRecoversAsync();
    }

    [Fact]
    public async Task Pull_ARangeStallsOnTheWay_IsFetchedAgainFromThere()
    {
        await _bench.Pail.DoAsync(_bench.Push);
        _bench.Proxy.On(request => request.Operation == StoreOperation.GetObject && request.Range is not null, new Fault.StallBody(1 << 20), times: 1);
        await _bench.Pail.DoAsync(_bench.Pull);
        await _bench.AssertPullRecoversAsync();
    }

    [Theory]
    [MemberData(nameof(Lasting))]
    public async Task Push_PartsFailForGood_SaysSo_NoUploadLeft(string fault)
    {
        _bench.Proxy.On(request => request.Operation == StoreOperation.UploadPart, Faults[fault]);
        await FailsAsync(_bench.Push, ExitCode.Unavailable);
        Assert.Equal(0, await _bench.UploadsLeftAsync());
        await _bench.AssertPushRecoversAsync();
    }

    [Fact]
    public async Task Push_CompletionFailsForGood_SaysSo_NoUploadLeft()
    {
        _bench.Proxy.On(request => request.Operation == StoreOperation.CompleteMultipartUpload, Faults["500"]);
        await FailsAsync(_bench.Push, ExitCode.Unavailable);
        Assert.Equal(0, await _bench.UploadsLeftAsync());
        await _bench.AssertPushRecoversAsync();
    }

    [Theory]
    [MemberData(nameof(Lasting))]
    public async Task Push_ManifestsFailForGood_SaysSo_NothingIncomplete(string fault)
    {
        _bench.Proxy.On(request => request.Method == "PUT" && request.Key.Contains("/manifests/", StringComparison.Ordinal), Faults[fault]);
        await FailsAsync(_bench.Push, ExitCode.Unavailable);
        Assert.Equal(0, await _bench.UploadsLeftAsync());
        await _bench.AssertPushRecoversAsync();
    }

    [Fact]
    public async Task Pull_BlobsFailForGood_SaysSo_NothingWrong()
    {
        await _bench.Pail.DoAsync(_bench.Push);
        _bench.Proxy.On(request => request.Key.Contains("/blobs/", StringComparison.Ordinal), Faults["500"]);
        await FailsAsync(_bench.Pull, ExitCode.Unavailable);
        await _bench.AssertPullRecoversAsync();
    }

    [Theory]
    [InlineData("/blobs/")]
    [InlineData("/manifests/")]
    public async Task Pull_WrongBytes_SaysSo_NothingWrong(string part)
    {
        await _bench.Pail.DoAsync(_bench.Push);
        _bench.Proxy.On(request => request.Key.Contains(part, StringComparison.Ordinal), new Fault.Corrupt());
        await FailsAsync(_bench.Pull, ExitCode.BadContent);
        await _bench.AssertPullRecoversAsync();
    }

    public async ValueTask InitializeAsync() => _bench = await CrashBench.StartAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    private async Task FailsAsync(string[] arguments, int exitCode)
    {
        var end = (await _bench.Pail.RunAsync(arguments)).Ended(exitCode);
        var told = end.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith("pail: ", StringComparison.Ordinal));
        Assert.Single(told);
    }

    // The same request again is the second try, also when it asks for what is left of a range.
    private static Func<S3Request, bool> FirstTry()
    {
        var seen = new HashSet<string>();
        return request => seen.Add($"{request.Method} {request.Key}?{request.Query} {request.Range?.Split('-')[1]}");
    }
}
