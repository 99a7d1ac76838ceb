using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Time.Testing;
using Pail.Tests.Kit;
using Pail.Transfer;

namespace Pail.Tests.Transfer;

public sealed class BufferPoolTests
{
    private const int MiB = 1 << 20;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RentAsync_BeyondTheLimit_WaitsInOrder()
    {
        var pool = new BufferPool(16 * MiB);
        var first = await pool.RentAsync(8 * MiB, Cancel);
        using var second = await pool.RentAsync(4 * MiB, Cancel);
        var large = pool.RentAsync(8 * MiB, Cancel).AsTask();
        // Would fit, but whoever asked first is served first, else large parts would wait for ever.
        var small = pool.RentAsync(1, Cancel).AsTask();
        Assert.False(large.IsCompleted || small.IsCompleted);
        first.Dispose();
        using var one = await large;
        using var two = await small;
        Assert.Equal(13 * MiB, pool.InUse);
        Assert.Equal(13 * MiB, pool.Peak);
    }

    [Fact]
    public async Task Memory_NobodyUsesAnyForAWhile_IsGivenBack()
    {
        var time = new FakeTimeProvider();
        var pool = new BufferPool(16 * MiB, keep: TimeSpan.FromSeconds(5), time);
        await UseAsync();
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(MiB, pool.Kept);
        // Used again: the while begins anew.
        await UseAsync();
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(MiB, pool.Kept);
        var held = await pool.RentAsync(MiB, Cancel);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(MiB, pool.Kept);
        held.Dispose();
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(0, pool.Kept);
        await UseAsync();
        Assert.Equal(MiB, pool.Kept);

        async Task UseAsync()
        {
            using var part = await pool.RentAsync(MiB, Cancel);
            pool.Return([pool.TakeSegment()], 0, ahead: false);
        }
    }

    [Fact]
    public async Task RentAsync_WaiterGivesUp_TheNextIsServed()
    {
        var pool = new BufferPool(16 * MiB);
        using var held = await pool.RentAsync(8 * MiB, Cancel);
        using var more = await pool.RentAsync(4 * MiB, Cancel);
        using var impatient = new CancellationTokenSource();
        var large = pool.RentAsync(8 * MiB, impatient.Token).AsTask();
        var small = pool.RentAsync(MiB, Cancel).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        (await Eventually.EndsAsync(small)).Dispose();
        Assert.Equal(12 * MiB, pool.InUse);
    }

    [Fact]
    public async Task RentAsync_MoreThanHalf_SaysHowMuchMemoryIsNeeded()
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => new BufferPool(64 * MiB).RentAsync(525L * MiB, Cancel).AsTask());
        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains("--memory must be at least 1050 MiB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void New_TooLittle_IsRefused() => Assert.Throws<PailException>(() => new BufferPool((16 * MiB) - 1));

    [Fact]
    public async Task Dispose_Twice_GivesBackOnce()
    {
        var pool = new BufferPool(16 * MiB);
        using var other = await pool.RentAsync(MiB, Cancel);
        var part = await pool.RentAsync(MiB, Cancel);
        part.Dispose();
        part.Dispose();
        Assert.Equal(MiB, pool.InUse);
    }

    [Fact]
    public async Task GetMemory_UsedAgain_TakesTheSameSegments()
    {
        var pool = new BufferPool(16 * MiB);
        var seen = new HashSet<byte[]>();
        for (var round = 0; round < 10; round++)
        {
            using var part = await pool.RentAsync(3 * MiB, Cancel);
            while (!part.IsFull)
            {
                var room = part.GetMemory();
                Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray<byte>(room, out var array));
                seen.Add(array.Array!);
                part.Advance(room.Length);
            }
        }
        Assert.Equal(3, seen.Count);
    }

    [Fact]
    public void Content_FilledInAnyPieces_IsWhatWasWritten() => Prop.ForAll(Gen.Choose(1, 4 * MiB).ToArbitrary(), Gen.Choose(1, 2 * MiB).ToArbitrary(), (size, piece) =>
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        using var part = new BufferPool(16 * MiB).RentAsync(size, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        for (var at = 0; at < size;)
        {
            var room = part.GetMemory();
            var count = Math.Min(Math.Min(room.Length, piece), size - at);
            bytes.AsSpan(at, count).CopyTo(room.Span);
            part.Advance(count);
            at += count;
        }
        return part.IsFull && part.GetMemory().IsEmpty && System.Buffers.BuffersExtensions.ToArray(part.Content).AsSpan().SequenceEqual(bytes);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));

    [Fact]
    public async Task RentAsync_ManyAtOnce_AllAreServedWithinTheLimit()
    {
        var pool = new BufferPool(20 * MiB);
        await Eventually.EndsAsync(Task.WhenAll(Enumerable.Range(0, 200).Select(async n =>
        {
            using var part = await pool.RentAsync((1 + (n * 7 % 10)) * MiB, Cancel);
            await Task.Yield();
            Assert.InRange(pool.InUse, 1, pool.Limit);
        })));
        Assert.Equal(0, pool.InUse);
        Assert.InRange(pool.Peak, 10 * MiB, pool.Limit);
    }

    [Fact]
    public async Task TryRentAhead_SeveralReaders_ShareHalf()
    {
        var pool = new BufferPool(32 * MiB);
        pool.EnterReader();
        pool.EnterReader();
        using var first = pool.TryRentAhead(8 * MiB, held: 0);
        Assert.NotNull(first);
        Assert.Null(pool.TryRentAhead(8 * MiB, held: 8 * MiB));
        using var second = pool.TryRentAhead(8 * MiB, held: 0);
        Assert.NotNull(second);
        Assert.Null(pool.TryRentAhead(8 * MiB, held: 0));
        // Whoever sends keeps the other half.
        using var sent = await pool.RentAsync(16 * MiB, Cancel);
        var waiting = pool.RentAsync(MiB, Cancel).AsTask();
        Assert.False(waiting.IsCompleted);
        first.Dispose();
        second.Dispose();
        Assert.False(waiting.IsCompleted);
        pool.LeaveReader();
        pool.LeaveReader();
        (await waiting).Dispose();
    }
}
