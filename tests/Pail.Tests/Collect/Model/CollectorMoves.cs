using Move = (string Says, Pail.Tests.Collect.Model.State After);

namespace Pail.Tests.Collect.Model;

/// <summary>A collector: "A collector" of docs/gc.md, with any list of what is condemned.</summary>
internal static class CollectorMoves
{
    // Cells: where it is; the round; the list it works on; what it has marked, or the number of its list until it reads that back; what it reads next; the age of its fence; whether an answer is missing; the name of the round.
    private const int Place = 0, Round = 1, List = 2, Marked = 3, Next = 4, Fence = 5, Unsure = 6, Name = 7;

    private const byte Start = 0, Condemns = 1, Settles = 2, Marks = 3, WritesDeleting = 4, ListsMarkers = 5, Deletes = 6, DeletesOne = 7, WritesIdle = 8;

    // It did not begin this round.
    private const byte Anothers = 2;

    /// <summary>All that it may do next.</summary>
    public static IEnumerable<Move> Moves(Case of, State state, int actor)
    {
        int Cell(int cell) => state[State.Of(actor, cell)];
        State With(params ReadOnlySpan<(int Cell, int Value)> values) => Set(state.Copy(), actor, values);
        State Restart() => Clear(state.Copy(), actor);
        var (place, round, list) = (Cell(Place), Cell(Round), Cell(List));
        var (phase, age) = ((Phase)state[State.Phase], state[State.Age]);
        if (place != Start && state[State.DeathsLeft] > 0)
        {
            var dead = Restart();
            dead[State.DeathsLeft]--;
            yield return ("dies; another starts", dead);
        }
        // Without conditions, writes of the register go through its fence too.
        var tooLate = !of.Conditions && of.Steps.FencedSweep && Cell(Fence) > (place == WritesIdle && Cell(Unsure) != Anothers ? of.Deleting : Case.F);
        switch (place)
        {
            case Start when phase == Phase.Idle:
                if (state[State.Lists] < of.Rounds)
                    yield return ("reads the register: idle", With((Place, Condemns), (Round, state[State.Round])));
                break;
            case Start when phase == Phase.Condemned:
                if (age >= of.Wait)
                {
                    var marked = of.Steps.MarkersAfterDeleting ? 0 : state[State.Markers];
                    yield return ("reads the register: condemned long enough", With((Place, of.Steps.SecondMark ? Marks : WritesDeleting), (Round, state[State.Round]), (List, state[State.List] & ~marked), (Name, state[State.Lists])));
                }
                break;
            case Start:
                if (age >= of.Over)
                    yield return ("reads the register: deleting, and over", With((Place, WritesIdle), (Round, state[State.Round]), (Unsure, Anothers)));
                break;
            case Condemns or WritesDeleting or WritesIdle when tooLate:
                yield return ("is refused: signed too long ago", Restart());
                break;
            case Condemns:
                var there = Present(of, state);
                for (var some = there; some != 0; some = (some - 1) & there)
                {
                    var chosen = some;
                    var number = of.Conditions ? 0 : state[State.Tries] + 1;
                    var write = Store.Register(of.Conditions ? Phase.Condemned : Phase.Deleting, round + 1, chosen, number, Phase.Idle);
                    foreach (var move in Write("writes its list", write, of.Conditions ? [] : [(Place, Settles), (Round, round + 1), (List, chosen), (Marked, number), (Name, state[State.Lists] + 1)]))
                        yield return move;
                }
                break;
            case Settles:
                if (Cell(Fence) < of.Wait)
                    break;
                var own = phase == Phase.Deleting && state[State.Owner] == Cell(Marked);
                yield return own || !of.Steps.ReadBack ? ("reads back: still its own", With((Place, of.Steps.SecondMark ? Marks : Deletes), (Marked, 0))) : ("reads back: another's", Restart());
                break;
            case Marks:
                yield return ("reads", Read(of, state, actor));
                break;
            case WritesDeleting:
                var deleting = list == 0 ? Store.Register(Phase.Idle, round, 0, 0, Phase.Condemned) : Store.Register(Phase.Deleting, round, list, 0, Phase.Condemned);
                foreach (var move in Write("writes what it deletes", deleting, list == 0 ? [] : [(Place, of.Steps.MarkersAfterDeleting ? ListsMarkers : Deletes), (Round, round), (List, list), (Name, Cell(Name))]))
                    yield return move;
                break;
            case ListsMarkers:
                var spared = state[State.Round] == round ? Spared(of, state, list) : 0;
                yield return ("lists the markers", With((Place, Deletes), (List, list & ~spared)));
                break;
            case Deletes when list == 0:
                yield return ("has deleted all", Cell(Unsure) != 0 && of.Steps.ClearWait ? Restart() : With((Place, WritesIdle), (Marked, 0)));
                break;
            case Deletes when of.Steps.FencedDelete:
                if (Cell(Fence) > of.Deleting)
                    yield return ("is refused: signed too long ago", Restart());
                else
                    foreach (var key in Order(of, list))
                        foreach (var move in Delete(key))
                            yield return move;
                break;
            case Deletes:
                // It believes its own clock, and sleeps.
                if (Cell(Fence) > of.Deleting)
                    yield return ("gives up", Restart());
                else
                    foreach (var key in Order(of, list))
                        yield return ("is about to delete", With((Place, DeletesOne), (Next, key)));
                break;
            case DeletesOne:
                foreach (var move in Delete(Cell(Next)))
                    yield return move;
                break;
            case WritesIdle:
                foreach (var move in Write("writes idle", Store.Register(Phase.Idle, round, 0, 0, Phase.Deleting), []))
                    yield return move;
                break;
        }

        IEnumerable<Move> Write(string says, byte[] register, (int Cell, int Value)[] then)
        {
            var accepted = state.Copy();
            if (!Store.Do(of, accepted, Late.Register, register))
            {
                yield return (says + ": refused, it is another", Restart());
                yield break;
            }
            foreach (var move in Writer.Request(of, state, says, Late.Register, register, after => Set(Clear(after, actor), actor, then), late => Clear(late, actor)))
            {
                if (register[3] != 0)
                    move.After[State.Tries] = register[3];
                yield return move;
            }
        }

        // What goes unanswered is asked for again, before what it names.
        IEnumerable<Move> Delete(int key) => Writer.Request(of, state, "deletes", Late.Delete, [(byte)key, (byte)Cell(Name)],
            after => Set(after, actor, (Place, Deletes), (Next, 0), (List, list & ~(1 << key))),
            late => Set(late, actor, (Place, Deletes), (Next, 0), (Unsure, 1), (List, of.Steps.ParentsFirst ? list : list & ~(1 << key))));
    }

    /// <summary>Time goes by for its fence.</summary>
    public static void Tick(Case of, State state, int actor)
    {
        var place = state[State.Of(actor, Place)];
        var counts = of.Conditions ? place is ListsMarkers or Deletes or DeletesOne : place != Start;
        if (counts && state[State.Of(actor, Fence)] < of.Over + 1)
            state[State.Of(actor, Fence)]++;
    }

    private static int Present(Case of, State state) =>
        Enumerable.Range(0, of.Parts.Length).Where(state.Is).Sum(key => 1 << key)
        | (of.TagsGo ? Enumerable.Range(0, of.Tags.Length).Where(tag => state[State.Tags + tag] != 0).Sum(of.TagBit) : 0);

    private static int Target(State state, int tag) => (state[State.Tags + tag] & (State.New - 1)) - 1;

    // One object or tag at a time, while others write: tags, then what names others, then blobs.
    private static State Read(Case of, State state, int actor)
    {
        var (after, list, next) = (state.Copy(), state[State.Of(actor, List)], state[State.Of(actor, Next)]);
        int marked = state[State.Of(actor, Marked)];
        if (next < of.Tags.Length)
        {
            var value = state[State.Tags + next];
            if (value != 0 && ((list & of.TagBit(next)) == 0 || (value >= State.New && of.Steps.YoungStays)))
                marked |= of.Closure(Target(state, next)) | (of.TagsGo ? of.TagBit(next) : 0);
        }
        else if (of.Parts.Length - 1 - (next - of.Tags.Length) is var key && state.Is(key))
        {
            var closure = of.Steps.SecondMarkFromAll ? of.Closure(key) : 1 << key;
            if ((list >> key & 1) != 0)
                marked |= of.Steps.YoungStays && state[State.Objects + key] == 2 ? closure : 0;
            else if ((of.Manifests >> key & 1) != 0 && of.Steps.SecondMarkFromAll)
                marked |= closure;
        }
        if (next + 1 < of.Tags.Length + of.Parts.Length)
            return Set(after, actor, (Marked, marked), (Next, next + 1));
        if (of.Steps.ReferrersStay && of.Refers.Referrer >= 0 && state.Is(of.Refers.Referrer) && (marked >> of.Refers.Subject & 1) != 0)
            marked |= of.Closure(of.Refers.Referrer);
        return Set(after, actor, (Place, of.Conditions ? WritesDeleting : Deletes), (List, list & ~marked), (Marked, 0), (Next, 0));
    }

    private static int Spared(Case of, State state, int list)
    {
        int spared = state[State.Markers];
        if (of.Steps.PartsOfMarked)
            for (var key = 0; key < of.Parts.Length; key++)
                if ((state[State.Markers] & list & (1 << key)) != 0)
                    spared |= of.Closure(key);
        for (var tag = 0; tag < of.Tags.Length; tag++)
            if (of.Steps.TargetOfMarkedTag && (state[State.Markers] & list & of.TagBit(tag)) != 0 && state[State.Tags + tag] != 0)
                spared |= of.Closure(Target(state, tag));
        return spared;
    }

    private static IEnumerable<int> Order(Case of, int list)
    {
        var all = Enumerable.Range(0, of.Parts.Length + of.Tags.Length).Reverse().Where(key => (list >> key & 1) != 0);
        return of.Steps.ParentsFirst ? all.Take(1) : all;
    }

    private static State Clear(State state, int actor) => Set(state, actor, (Place, 0), (Round, 0), (List, 0), (Marked, 0), (Next, 0), (Fence, 0), (Unsure, 0), (Name, 0));

    private static State Set(State state, int actor, params ReadOnlySpan<(int Cell, int Value)> values)
    {
        foreach (var (cell, value) in values)
            state[State.Of(actor, cell)] = (byte)value;
        return state;
    }
}
