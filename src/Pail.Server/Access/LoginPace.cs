using System.Diagnostics.CodeAnalysis;
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
    private const int MostWaiting = 64;

    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(15);

    private readonly TimeProvider _time = time;
    private readonly BoundedCache<Pair, Failures> _failures = new(Capacity, static _ => 1);

    /// <summary>
    /// Waits for the turn of a login, which lasts until what is returned is disposed of: of each pair one login is checked at a time, so that those that come at
    /// once are not checked before the first of them has failed.
    /// </summary>
    /// <returns>The turn; or none, and how long from now it would be, if that is too long.</returns>
    public async ValueTask<(Turn? Turn, TimeSpan TooLong)> EnterAsync(string address, string user, CancellationToken cancel)
    {
        var known = Of(PairOf(address, user));
        if (Interlocked.Increment(ref known.Waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref known.Waiting);
            return (null, Longest);
        }
        try
        {
            for (var paid = false; ; paid = true)
            {
                await known.One.WaitAsync(cancel);
                if (paid || TakeTurn(known) is not { } wait)
                    return (new Turn(this, known), default);
                known.One.Release();
                if (wait > Longest * 2)
                    return (null, wait);
                await Task.Delay(wait, _time, cancel);
            }
        }
        finally
        {
            Interlocked.Decrement(ref known.Waiting);
        }
    }

    // How long it waits; null for not at all.
    private TimeSpan? TakeTurn(Failures known)
    {
        lock (known)
        {
            var now = _time.GetUtcNow();
            if (known.Count < Free || now - known.Last > Forgotten)
                return null;
            var step = TimeSpan.FromTicks(Math.Min(Longest.Ticks, First.Ticks << Math.Min(known.Count - Free, 10)));
            var turn = (known.Next > now ? known.Next : now) + step;
            if (turn - now <= Longest * 2)
                known.Next = turn;
            return turn - now;
        }
    }

    private Failures Of(Pair pair)
    {
        lock (_failures)
        {
            if (!_failures.TryGet(pair, out var known))
                _failures.Set(pair, known = new Failures());
            return known;
        }
    }

    private static Pair PairOf(string address, string user) => new(address, user.Length > MaxName ? user[..MaxName] : user);

    private readonly record struct Pair(string Address, string User);

    /// <summary>The turn of one login.</summary>
    public sealed class Turn : IDisposable
    {
        private readonly LoginPace _pace;
        private readonly Failures _known;

        internal Turn(LoginPace pace, Failures known) => (_pace, _known) = (pace, known);

        /// <summary>It failed.</summary>
        public void Fail()
        {
            lock (_known)
            {
                var now = _pace._time.GetUtcNow();
                _known.Count = now - _known.Last > Forgotten ? 1 : _known.Count + 1;
                _known.Last = now;
            }
        }

        /// <summary>It succeeded.</summary>
        public void Forget()
        {
            lock (_known)
                (_known.Count, _known.Next) = (0, DateTimeOffset.MinValue);
        }

        /// <inheritdoc/>
        public void Dispose() => _known.One.Release();
    }

    /// <summary>What is known of a pair.</summary>
    [SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to release.")]
    internal sealed class Failures
    {
        /// <summary>Taken by the login that is checked.</summary>
        public SemaphoreSlim One { get; } = new(1);

        /// <summary>How many logins wait or are checked.</summary>
        internal int Waiting;

        public int Count { get; set; }

        public DateTimeOffset Last { get; set; } = DateTimeOffset.MinValue;

        /// <summary>When the last turn begins that was given away.</summary>
        public DateTimeOffset Next { get; set; } = DateTimeOffset.MinValue;
    }
}
