using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.EndToEnd;

/// <summary><c>kill -9</c> and Ctrl-C at every request of a push and of a pull: the request is held at the proxy while the signal is sent.</summary>
[NeedsServers]
public sealed class InterruptionTests : IAsyncLifetime
{
    private CrashBench _bench = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Push_KilledAtEveryRequest_NothingWrong_SecondTryFinishes()
    {
        for (var request = 0; await StopAtAsync(request, _bench.Push, child => child.Kill()) is { } end; request++)
        {
            Assert.Equal(128 + 9, end.ExitCode);
            await _bench.AssertPushRecoversAsync();
            _bench.Next();
        }
    }

    [Fact]
    public async Task Push_InterruptedAtEveryRequest_NothingWrong_NoUploadLeft_SecondTryFinishes()
    {
        for (var request = 0; await StopAtAsync(request, _bench.Push, child => child.Interrupt()) is { } end; request++)
        {
            end.Ended(130);
            Assert.Equal(0, await _bench.UploadsLeftAsync());
            await _bench.AssertPushRecoversAsync();
            _bench.Next();
        }
    }

    [Fact]
    public async Task Pull_KilledAtEveryRequest_NothingWrong_SecondTryFinishes()
    {
        await _bench.Pail.DoAsync(_bench.Push);
        for (var request = 0; await StopAtAsync(request, _bench.Pull, child => child.Kill()) is { } end; request++)
        {
            Assert.Equal(128 + 9, end.ExitCode);
            await _bench.AssertPullRecoversAsync();
            _bench.NextTarget();
        }
    }

    [Fact]
    public async Task Pull_InterruptedAtEveryRequest_NothingWrong_SecondTryFinishes()
    {
        await _bench.Pail.DoAsync(_bench.Push);
        for (var request = 0; await StopAtAsync(request, _bench.Pull, child => child.Interrupt()) is { } end; request++)
        {
            end.Ended(130);
            await _bench.AssertPullRecoversAsync();
            _bench.NextTarget();
        }
    }

    [Fact]
    public async Task Pull_KilledInTheMiddleOfALayer_SecondTryFetchesOnlyTheRest()
    {
        await _bench.Pail.DoAsync(_bench.Push);
        // The last range of the layer comes to nothing; those before it arrive.
        _bench.Proxy.On(request => request.Range is { } range && range.StartsWith("bytes=16777216-", StringComparison.Ordinal), new Fault.Stall());
        await using (var child = _bench.Pail.Start(_bench.Pull))
        {
            await _bench.Proxy.SeenAsync(request => request.Range?.StartsWith("bytes=16777216-", StringComparison.Ordinal) == true, Cancel);
            await ArrivedAsync(16 << 20);
            child.Kill();
            await child.EndAsync();
        }
        _bench.Proxy.Take();
        await _bench.AssertPullRecoversAsync();
        Assert.DoesNotContain(_bench.Proxy.Take(), request => request.Range?.StartsWith("bytes=0-", StringComparison.Ordinal) == true);
    }

    public async ValueTask InitializeAsync() => _bench = await CrashBench.StartAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    // Null if it ended before there were so many requests.
    private async Task<Finished?> StopAtAsync(int request, string[] arguments, Action<Child> stop)
    {
        _bench.Proxy.Heal();
        _bench.Proxy.Take();
        _bench.Proxy.On(_ => true, new Fault.Stall(), times: 1, skip: request);
        await using var child = _bench.Pail.Start(arguments);
        var end = child.EndAsync();
        var seen = _bench.Proxy.SeenAsync(_ => _bench.Proxy.Requests.Count > request, Cancel);
        if (await Task.WhenAny(end, seen) == end)
        {
            (await end).Succeeded();
            return null;
        }
        stop(child);
        return await end;
    }

    // Until so many bytes of the layer are on disk, wherever the layout keeps what is not whole yet.
    private async Task ArrivedAsync(long bytes)
    {
        while (!Directory.Exists(_bench.Target) || !new DirectoryInfo(_bench.Target).EnumerateFiles("*", SearchOption.AllDirectories).Any(file => file.Length >= bytes))
            await Task.Delay(10, Cancel);
    }
}
