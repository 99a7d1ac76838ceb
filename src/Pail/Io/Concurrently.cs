namespace Pail.Io;

/// <summary>Requests at the same time, without threads: work goes on where it was begun.</summary>
internal static class Concurrently
{
    /// <summary>Does the work for each item, for at most so many at once.</summary>
    public static async Task ForEachAsync<T>(IEnumerable<T> items, int atOnce, Func<T, Task> work)
    {
        using var next = items.GetEnumerator();
        var failed = false;
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => RunAsync()));

        async Task RunAsync()
        {
            while (!Volatile.Read(ref failed) && Take() is (true, var item))
            {
                try
                {
                    await work(item!);
                }
                catch
                {
                    Volatile.Write(ref failed, true);
                    throw;
                }
            }
        }

        (bool Found, T? Item) Take()
        {
            lock (next)
                return next.MoveNext() ? (true, next.Current) : (false, default);
        }
    }
}
