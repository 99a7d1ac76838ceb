using System.Diagnostics;

namespace Pail.Tests.Kit;

/// <summary>Waits for what other threads and programs do. No test asserts how long that takes; the limit only ends a test that hangs.</summary>
internal static class Eventually
{
    /// <summary>More than any step takes on the slowest machine.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    /// <summary>
    /// How long a test waits for an answer that never comes. Only requests that a test stalls may meet it: elsewhere the
    /// limit is <see cref="Limit"/>, so that a slow machine is not taken for a stalled one.
    /// </summary>
    public static readonly TimeSpan Stalled = TimeSpan.FromSeconds(15);

    /// <summary>Waits until a condition holds.</summary>
    /// <param name="condition">Asked for again and again.</param>
    /// <param name="otherwise">What to say if it never does.</param>
    public static Task TrueAsync(Func<bool> condition, Func<string>? otherwise = null) => TrueAsync(() => Task.FromResult(condition()), otherwise);

    /// <inheritdoc cref="TrueAsync(Func{bool}, Func{string}?)"/>
    public static async Task TrueAsync(Func<Task<bool>> condition, Func<string>? otherwise = null)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Limit, otherwise?.Invoke() ?? $"This did not happen in {Limit.TotalMinutes} minutes.");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits for work that might hang if something is wrong.</summary>
    public static Task EndsAsync(Task work) => work.WaitAsync(Limit, TestContext.Current.CancellationToken);

    /// <inheritdoc cref="EndsAsync(Task)"/>
    public static Task<T> EndsAsync<T>(Task<T> work) => work.WaitAsync(Limit, TestContext.Current.CancellationToken);
}
