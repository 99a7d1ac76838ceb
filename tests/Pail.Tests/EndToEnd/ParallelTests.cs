using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.EndToEnd;

/// <summary>One connection to S3 is slow, many are not: the parts of one layer go over many at once. The proxy lets none of them go on until eight are there.</summary>
[NeedsServers]
public sealed class ParallelTests : IAsyncLifetime
{
    private const int Parties = 8;

    private CrashBench _bench = null!;

    [Fact]
    public async Task Push_OneLayer_SendsEightPartsAtOnce()
    {
        _bench.Next(bytes: 70 << 20);
        _bench.Proxy.On(request => request.Operation == StoreOperation.UploadPart, new Fault.Gate(Parties));
        await _bench.Pail.DoAsync(_bench.Push);
        AssertNoneTwice(StoreOperation.UploadPart);
    }

    [Fact]
    public async Task Pull_OneLayer_FetchesEightRangesAtOnce()
    {
        _bench.Next(bytes: 70 << 20);
        await _bench.Pail.DoAsync(_bench.Push);
        _bench.Proxy.Take();
        _bench.Proxy.On(request => request.Range is not null, new Fault.Gate(Parties));
        await _bench.Pail.DoAsync(_bench.Pull);
        AssertNoneTwice(StoreOperation.GetObject);
    }

    public async ValueTask InitializeAsync() => _bench = await CrashBench.StartAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    // A request that was given up at the gate and made again would be counted there twice.
    private void AssertNoneTwice(StoreOperation operation)
    {
        var requests = _bench.Proxy.Requests.Where(request => request.Operation == operation && (request.Range ?? request.Query).Length > 0).ToList();
        Assert.True(requests.Count >= Parties, string.Join('\n', requests));
        Assert.Distinct(requests.Select(request => $"{request} {request.Range}"));
    }
}
