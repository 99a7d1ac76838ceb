using Move = (string Says, Pail.Tests.Collect.Model.State After);

namespace Pail.Tests.Collect.Model;

/// <summary>Whoever pushes, retags or attaches: "Whoever writes a manifest or a tag" of docs/gc.md.</summary>
internal static class Writer
{
    // Cells: where it is; its view of the register (phase, round, list) and that view's age; how many rounds had ended when it
    // began to look for what it needs; what it found; how many lists had been begun when it was acknowledged.
    public const int Place = 0, ViewPhase = 1, ViewRound = 2, ViewList = 3, ViewAge = 4, Ended = 5, Found = 6, Acknowledged = 7;

    public const byte Start = 0, Looks = 1, Asks = 2, Marks = 3, AsksAgain = 4, Puts = 5, Tags = 6, Done = 7, GaveUp = 8;

    private const byte TooOld = Case.F + 1;

    /// <summary>All that it may do next.</summary>
    public static IEnumerable<Move> Moves(Case of, State state, int actor)
    {
        var job = of.Jobs[actor];
        int Cell(int cell) => state[State.Of(actor, cell)];
        var (place, found) = (Cell(Place), Cell(Found));
        var viewIsCurrent = (Cell(ViewPhase), Cell(ViewRound), Cell(ViewList)) == View(of, state);
        switch (place)
        {
            case Start:
                yield return ("reads the register", Read(of, state, actor, Looks));
                break;
            case Looks:
                var missing = job.Needs & ~found;
                if (missing == 0)
                {
                    yield return ("has all", At(state, actor, Asks));
                    break;
                }
                var key = int.TrailingZeroCount(missing);
                if (Cell(ViewPhase) == (int)Phase.Deleting && (Cell(ViewList) >> key & 1) != 0 && of.Steps.WaitWhileDeleting)
                {
                    if (!viewIsCurrent)
                        yield return ("has waited, reads the register", Read(of, state, actor, Looks));
                    break;
                }
                if (state.Is(key))
                    yield return ("finds a part", With(state, actor, (Found, found | 1 << key)));
                else if ((job.Has >> key & 1) == 0)
                    yield return ("misses a part, gives up", At(state, actor, GaveUp));
                if ((job.Has >> key & 1) != 0)
                    foreach (var move in Request(of, state, "puts a part", Late.Put, [(byte)key], after => Set(after, actor, (Found, found | 1 << key)), _ => { }))
                        yield return move;
                break;
            case Asks:
                if (Cell(ViewAge) <= Case.F)
                    yield return ("checks its view", Check(of, state.Copy(), actor));
                if (!viewIsCurrent || Cell(ViewAge) > 0)
                    yield return ("reads the register, checks it", Check(of, ReadInto(of, state.Copy(), actor), actor));
                break;
            case Marks:
                var next = of.Steps.LookAfterMarker ? AsksAgain : Next(job);
                foreach (var move in Request(of, state, "puts a marker", Late.Marker, [(byte)Cell(ViewRound), (byte)of.Needs(job)], after => Set(after, actor, (Place, next)), _ => { }))
                    yield return move;
                break;
            case AsksAgain:
                var again = ReadInto(of, state.Copy(), actor);
                var same = state[State.Phase] == (byte)Phase.Condemned && state[State.Round] == Cell(ViewRound);
                yield return ("reads the register again", same ? Set(again, actor, (Place, Next(job))) : Check(of, again, actor));
                break;
            case Puts or Tags when of.Steps.FencedPut && Cell(ViewAge) > Case.F:
                yield return ("is refused: signed too long ago", At(state, actor, Asks));
                break;
            case Puts:
                foreach (var move in Request(of, state, "puts its manifest", Late.Put, [(byte)job.Puts], after => End(after, job.Tag < 0 ? Done : Tags), _ => { }))
                    yield return move;
                break;
            case Tags:
                foreach (var move in Request(of, state, "puts its tag", Late.Tag, [(byte)job.Tag, (byte)job.Names], after => End(after, Done), _ => { }))
                    yield return move;
                break;
        }

        void End(State after, byte then)
        {
            Set(after, actor, (Place, then));
            if (then == Done)
                Set(after, actor, (ViewPhase, 0), (ViewRound, 0), (ViewList, 0), (ViewAge, 0), (Ended, 0), (Found, 0), (Acknowledged, state[State.Lists]));
        }
    }

    /// <summary>A request that takes effect at once and is answered; or, while there may be more of those, is not answered and takes effect later or never.</summary>
    public static IEnumerable<Move> Request(Case of, State state, string says, Late what, byte[] arguments, Action<State> answered, Action<State> unanswered)
    {
        var after = state.Copy();
        answered(after);
        Store.Do(of, after, what, arguments);
        yield return (says, after);
        if (state[State.LatesLeft] == 0 || state[State.LateKind] != 0)
            yield break;
        var late = state.Copy();
        unanswered(late);
        late[State.LateKind] = (byte)what;
        for (var i = 0; i < arguments.Length; i++)
            late[State.LateArguments + i] = arguments[i];
        late[State.LateLeft] = Case.D;
        late[State.LatesLeft]--;
        yield return (says + ", unanswered", late);
    }

    /// <summary>Time goes by for its view.</summary>
    public static void Tick(State state, int actor)
    {
        if (state[State.Of(actor, Place)] is not (Start or Done or GaveUp) && state[State.Of(actor, ViewAge)] < TooOld)
            state[State.Of(actor, ViewAge)]++;
    }

    private static byte Next(Job job) => job.Puts >= 0 ? Puts : Tags;

    // A round that deletes for too long is over.
    private static (int Phase, int Round, int List) View(Case of, State state) => state[State.Phase] == (byte)Phase.Deleting && state[State.Age] >= of.Over
        ? ((int)Phase.Idle, state[State.Round], 0)
        : (state[State.Phase], state[State.Round], state[State.List]);

    private static int RoundsEnded(int phase, int round) => phase == (int)Phase.Idle ? round : round - 1;

    private static State ReadInto(Case of, State state, int actor)
    {
        var (phase, round, list) = View(of, state);
        return Set(state, actor, (ViewPhase, phase), (ViewRound, round), (ViewList, list), (ViewAge, 0));
    }

    private static State Read(Case of, State state, int actor, byte place)
    {
        var after = ReadInto(of, state.Copy(), actor);
        return Set(after, actor, (Place, place), (Found, 0), (Ended, RoundsEnded(after[State.Of(actor, ViewPhase)], after[State.Of(actor, ViewRound)])));
    }

    private static State Check(Case of, State state, int actor)
    {
        var (phase, list, needs) = ((Phase)state[State.Of(actor, ViewPhase)], state[State.Of(actor, ViewList)], of.Needs(of.Jobs[actor]));
        var ended = RoundsEnded((int)phase, state[State.Of(actor, ViewRound)]);
        if (phase == Phase.Deleting && (list & needs) != 0 && of.Steps.WaitWhileDeleting)
            return Set(state, actor, (Place, Start), (ViewPhase, 0), (ViewRound, 0), (ViewList, 0), (ViewAge, 0), (Ended, 0), (Found, 0));
        if (of.Steps.EndedRounds && ended != state[State.Of(actor, Ended)])
            return Set(state, actor, (Place, Looks), (Ended, ended), (Found, 0));
        return Set(state, actor, (Place, phase == Phase.Condemned && (list & needs) != 0 && of.Steps.Marker ? Marks : Next(of.Jobs[actor])));
    }

    private static State At(State state, int actor, byte place) => With(state, actor, (Place, place));

    private static State With(State state, int actor, params (int Cell, int Value)[] values) => Set(state.Copy(), actor, values);

    private static State Set(State state, int actor, params ReadOnlySpan<(int Cell, int Value)> values)
    {
        foreach (var (cell, value) in values)
            state[State.Of(actor, cell)] = (byte)value;
        return state;
    }
}
