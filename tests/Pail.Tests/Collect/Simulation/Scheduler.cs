using System.Globalization;
using Pail.Buckets.Collecting;
using Pail.Stores;

namespace Pail.Tests.Collect.Simulation;

/// <summary>
/// Runs actors one request at a time, in an order that a seed decides: any of them may sleep for any time before any request, die, or
/// lose the answer of a request, which then takes effect later or never.
/// </summary>
/// <param name="seed">Decides everything.</param>
/// <param name="pace">How late a request may take effect.</param>
/// <param name="losses">How many answers may be lost.</param>
/// <param name="deaths">How many actors may die.</param>
/// <param name="calm">Whether nobody sleeps.</param>
internal sealed class Scheduler(int seed, CollectPace pace, int losses, int deaths, bool calm = false)
{
    private const int MostSteps = 4000;

    private readonly Random _random = new(seed);
    private readonly SimContext _context = new();
    private readonly List<Request> _asked = [];
    private readonly List<(Action Effect, TimeSpan Until, string What)> _late = [];
    private readonly Dictionary<string, Actor> _actors = [];
    private readonly List<string> _trace = [];
    private readonly Dictionary<string, int> _requests = [];
    private int _losses = losses;
    private int _deaths = deaths;
    private bool _calm = calm;

    public SimTime Time { get; } = new();

    /// <summary>Called after each effect; what is wrong, or null.</summary>
    public Func<string?> Check { get; set; } = () => null;

    /// <summary>An actor that dies at one of its requests, counted from 0, before it takes effect or after.</summary>
    public (string Actor, int Request, bool After)? Death { get; init; }

    /// <summary>One of how many writes of the register is slept before.</summary>
    public int RegisterNaps { get; init; } = 8;

    /// <summary>How many requests an actor has made.</summary>
    public int RequestsOf(string actor) => _requests.GetValueOrDefault(actor);

    /// <summary>The schedule, a line each step.</summary>
    public IReadOnlyList<string> Trace => _trace;

    /// <summary>From now on every request is answered, and nobody sleeps.</summary>
    public void EndFaults()
    {
        (_losses, _deaths, _calm) = (0, 0, true);
        _late.Clear();
        _actors.Clear();
        _asked.Clear();
    }

    /// <summary>Adds an actor, which begins when the schedule does.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="work">What it does.</param>
    /// <param name="mayDie">Whether it may die.</param>
    public void Add(string name, Func<Task> work, bool mayDie = false) => _actors[name] = new(work) { MayDie = mayDie };

    /// <summary>Asks for an effect; the actor waits for the answer.</summary>
    public Task<T> AskAsync<T>(string actor, string operation, string key, TimeSpan? until, Func<T> effect)
    {
        var answer = new TaskCompletionSource<T>();
        _asked.Add(new(actor, $"{actor}: {operation} {key}", operation is "PUT" or "DELETE", until, () => answer.SetResult(effect()), () => effect(), answer.SetException));
        return answer.Task;
    }

    /// <summary>Runs until all actors have ended.</summary>
    /// <returns>What went wrong; null if nothing did.</returns>
    public string? Run()
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_context);
        try
        {
            foreach (var actor in _actors.Values)
            {
                actor.Task = actor.Work();
                // So that some begin while others are in the middle of it.
                if (!_calm && _random.Next(2) == 0)
                    actor.SleepsUntil = Time.Elapsed + (pace.View * (_random.NextDouble() * 6));
            }
            for (var step = 0; step < MostSteps; step++)
            {
                _context.Drain();
                if (_actors.Values.Where(actor => !actor.IsDead).All(actor => actor.Task!.IsCompleted))
                    return _actors.Values.Where(actor => !actor.IsDead).Select(actor => actor.Task!.Exception?.InnerException).FirstOrDefault(e => e is not null and not PailException { Failure: Failure.Unavailable })?.ToString();
                if (!Step())
                    return "nothing goes on";
                if (Check() is { } wrong)
                    return wrong;
            }
            return "it does not end";
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private bool Step()
    {
        foreach (var (effect, until, what) in _late.ToList())
            if (_random.Next(40) == 0)
                TakeLate(effect, until, what);
        var ready = _asked.Where(request => !_actors[request.Actor].IsDead && _actors[request.Actor].SleepsUntil <= Time.Elapsed).ToList();
        if (ready.Count == 0 || (Time.NextDue is not null && _random.Next(60) == 0))
            return PassTime() || _context.WaitForPost();
        var next = ready[_random.Next(ready.Count)];
        var actor = _actors[next.Actor];
        // Sleeping between a look and the write that rests on it is what goes wrong.
        if (!_calm && _random.Next(next.Writes ? next.What.EndsWith(CollectState.Key, StringComparison.Ordinal) ? RegisterNaps : 8 : 60) == 0)
        {
            actor.SleepsUntil = Time.Elapsed + (pace.View * (_random.NextDouble() * 6));
            return true;
        }
        if (actor.MayDie && _deaths > 0 && _random.Next(80) == 0)
        {
            _deaths--;
            actor.IsDead = true;
            _trace.Add($"{next.Actor} dies before: {next.What}");
            _asked.RemoveAll(request => request.Actor == next.Actor);
            // Sent before it died, if the store took it.
            if (next.Writes && !(Time.Elapsed > next.Until) && _random.Next(2) == 0)
                _late.Add((next.Effect, Time.Elapsed + pace.Late, next.What));
            return true;
        }
        _asked.Remove(next);
        _requests[next.Actor] = RequestsOf(next.Actor) + 1;
        if (Death is { } death && death.Actor == next.Actor && RequestsOf(next.Actor) == death.Request + 1)
        {
            _trace.Add($"{next.What}: dies {(death.After ? "after" : "before")} it");
            actor.IsDead = true;
            _asked.RemoveAll(request => request.Actor == next.Actor);
            if (death.After)
                next.Effect();
            return true;
        }
        if (next.Until is { } fence && Time.Elapsed > fence + (_random.Next(2) * pace.Skew))
        {
            _trace.Add($"{next.What}: too late");
            next.Fail(new StoreException(StoreError.FenceExpired, "the fence is over"));
        }
        else if (next.Writes && _losses > 0 && _random.Next(25) == 0)
        {
            _losses--;
            _trace.Add($"{next.What}: the answer is lost");
            if (_random.Next(4) != 0)
                _late.Add((next.Effect, Time.Elapsed + pace.Late, next.What));
            next.Fail(new StoreException(StoreError.Unavailable, "the answer is lost"));
        }
        else
        {
            _trace.Add(next.What);
            next.Answer();
        }
        return true;
    }

    // To the next moment at which something happens. What is late takes effect before that, or never.
    private bool PassTime()
    {
        var sleepers = _actors.Where(actor => !actor.Value.IsDead && actor.Value.SleepsUntil > Time.Elapsed && _asked.Exists(request => request.Actor == actor.Key)).Select(actor => actor.Value.SleepsUntil);
        var moments = sleepers.Concat(Time.NextDue is { } due ? [due] : []).ToList();
        if (moments.Count == 0)
            return false;
        var to = moments.Min();
        foreach (var (effect, until, what) in _late.ToList())
        {
            if (_random.Next(2) == 0)
                TakeLate(effect, until, what);
            else if (until < to)
                _late.RemoveAll(late => late.Effect == effect);
        }
        _trace.Add(string.Create(CultureInfo.InvariantCulture, $"-- {(to - Time.Elapsed).TotalSeconds:0.0} s pass --"));
        Time.Advance(to > Time.Elapsed ? to : Time.Elapsed);
        return true;
    }

    private void TakeLate(Action effect, TimeSpan until, string what)
    {
        if (until < Time.Elapsed)
            return;
        _trace.Add($"{what}: takes effect late");
        effect();
        _late.RemoveAll(late => late.Effect == effect);
    }

    private sealed record Request(string Actor, string What, bool Writes, TimeSpan? Until, Action Answer, Action Effect, Action<Exception> Fail);

    private sealed class Actor(Func<Task> work)
    {
        public Func<Task> Work => work;

        public Task? Task { get; set; }

        public bool MayDie { get; init; }

        public bool IsDead { get; set; }

        public TimeSpan SleepsUntil { get; set; }
    }
}
