using Pail.Server.Caches;

namespace Pail.Server.Access;

/// <summary>
/// Slows down logins that fail, for each pair of address and user: after a few, each next one waits its turn, longer and longer up to a
/// bound. Other addresses are not held up, so nobody can lock a user out.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class LoginPace(TimeProvider time)
{
    private const int Capacity = 1 << 14;
    private const int Free = 5;
    private const int MaxName = 64;

    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(15);

    private readonly BoundedCache<Pair, Failures> _failures = new(Capacity, static _ => 1);

    /// <summary>Waits for its turn; returns how long from now it would be, and waits for nothing, if that is too long.</summary>
    public async ValueTask<TimeSpan?> WaitAsync(string address, string user, CancellationToken cancel)
    {
        if (!_failures.TryGet(PairOf(address, user), out var known))
            return null;
        TimeSpan wait;
        lock (known)
        {
            var now = time.GetUtcNow();
            if (known.Count < Free || now - known.Last > Forgotten)
                return null;
            var step = TimeSpan.FromTicks(Math.Min(Longest.Ticks, First.Ticks << Math.Min(known.Count - Free, 10)));
            var turn = (known.Turn > now ? known.Turn : now) + step;
            wait = turn - now;
            if (wait > Longest * 2)
                return wait;
            known.Turn = turn;
        }
        await Task.Delay(wait, time, cancel);
        return null;
    }

    /// <summary>A login failed.</summary>
    public void Fail(string address, string user)
    {
        var pair = PairOf(address, user);
        if (!_failures.TryGet(pair, out var known))
            _failures.Set(pair, known = new Failures());
        lock (known)
        {
            var now = time.GetUtcNow();
            known.Count = now - known.Last > Forgotten ? 1 : known.Count + 1;
            known.Last = now;
        }
    }

    /// <summary>A login succeeded.</summary>
    public void Forget(string address, string user) => _failures.Remove(PairOf(address, user));

    private static Pair PairOf(string address, string user) => new(address, user.Length > MaxName ? user[..MaxName] : user);

    private readonly record struct Pair(string Address, string User);

    private sealed class Failures
    {
        public int Count { get; set; }

        public DateTimeOffset Last { get; set; } = DateTimeOffset.MinValue;

        public DateTimeOffset Turn { get; set; } = DateTimeOffset.MinValue;
    }
}
