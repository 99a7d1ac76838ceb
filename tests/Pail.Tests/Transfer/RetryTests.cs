using Pail.Stores;
using Pail.Tests.Kit;

namespace Pail.Tests.Transfer;

public sealed class RetryTests
{
    private static readonly RetryOptions Options = new() { Attempts = 5, FirstDelay = TimeSpan.FromMilliseconds(100), LongestDelay = TimeSpan.FromMilliseconds(300) };

    private readonly HastyTime _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunAsync_TransientFailures_TriesAgainWithGrowingWaits()
    {
        var tries = 0;
        var result = await new Retry(Options, _time).RunAsync(_ => ++tries < 5 ? throw Throttled() : Task.FromResult("done"), Cancel);
        Assert.Equal(("done", 5), (result, tries));
        Assert.Equal(4, _time.Waits.Count);
        foreach (var (wait, ceiling) in _time.Waits.Zip((int[])[100, 200, 300, 300]))
            Assert.InRange(wait.TotalMilliseconds, 0, ceiling);
    }

    [Fact]
    public async Task RunAsync_ManyWaits_AreSpreadOverTheWholeRange()
    {
        for (var run = 0; run < 200; run++)
        {
            var tries = 0;
            await new Retry(Options, _time).RunAsync(_ => ++tries < 2 ? throw Throttled() : Task.FromResult(0), Cancel);
        }
        Assert.Contains(_time.Waits, wait => wait.TotalMilliseconds < 25);
        Assert.Contains(_time.Waits, wait => wait.TotalMilliseconds > 75);
    }

    [Fact]
    public async Task RunAsync_FailsAlways_ThrowsTheLastErrorAfterAllTries()
    {
        var tries = 0;
        var error = await Assert.ThrowsAsync<StoreException>(() =>
            new Retry(Options, _time).RunAsync<int>(_ => throw new StoreException(StoreError.Unavailable, $"try {++tries}"), Cancel));
        Assert.Equal(("try 5", 5), (error.Message, tries));
    }

    [Fact]
    public async Task RunAsync_FinalFailure_IsNotTriedAgain()
    {
        foreach (var error in (Exception[])[
            new StoreException(StoreError.AccessDenied, "403"), new StoreException(StoreError.Rejected, "400"),
            new PailException(Failure.BadContent, "bad"), new FileNotFoundException(), new InvalidOperationException()])
        {
            var tries = 0;
            Assert.Same(error, await Assert.ThrowsAnyAsync<Exception>(() => new Retry(Options, _time).RunAsync<int>(_ => ++tries < 9 ? throw error : Task.FromResult(0), Cancel)));
            Assert.Equal(1, tries);
        }
        Assert.Empty(_time.Waits);
    }

    [Theory]
    [InlineData(7, 7)]
    [InlineData(3600, 60)]
    public async Task RunAsync_StoreSaysWhen_WaitsThatLongUpToAMinute(int asked, int waited)
    {
        var tries = 0;
        await new Retry(Options, _time).RunAsync(
            _ => ++tries < 2 ? throw new StoreException(StoreError.Throttled, "503") { RetryAfter = TimeSpan.FromSeconds(asked) } : Task.FromResult(0),
            Cancel);
        Assert.Equal([TimeSpan.FromSeconds(waited)], _time.Waits);
    }

    [Fact]
    public async Task RunAsync_EachFailureThatIsTriedAgain_IsTold()
    {
        var tries = 0;
        List<string> told = [];
        var retry = new Retry(Options with { Attempts = 3, Retrying = error => told.Add(error.Message) }, _time);
        await Assert.ThrowsAsync<StoreException>(() => retry.RunAsync<int>(_ => throw new StoreException(StoreError.Unavailable, $"try {++tries}"), Cancel));
        await Assert.ThrowsAsync<StoreException>(() => retry.RunAsync<int>(_ => throw new StoreException(StoreError.AccessDenied, "for good"), Cancel));
        Assert.Equal(["try 1", "try 2"], told);
    }

    [Fact]
    public async Task RunAsync_CancelledWhileWaiting_Ends()
    {
        using var cancel = new CancellationTokenSource();
        var patient = new Retry(Options with { FirstDelay = TimeSpan.FromHours(1), LongestDelay = TimeSpan.FromHours(1) });
        var run = patient.RunAsync<int>(
            _ =>
            {
                cancel.CancelAfter(20);
                throw Throttled();
            },
            cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(run));
    }

    private static StoreException Throttled() => new(StoreError.Throttled, "503 SlowDown");
}
