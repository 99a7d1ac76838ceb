using Move = (string Says, Pail.Tests.Collect.Model.State After);

namespace Pail.Tests.Collect.Model;

/// <summary>Every schedule of a case: any actor may go next, any time may go by between, a late request may take effect at any moment.</summary>
internal sealed class Exploration
{
    private readonly Case _of;
    private readonly Dictionary<State, int> _seen = [];
    private readonly List<(State State, int Before, string Says)> _states = [];

    private Exploration(Case of) => _of = of;

    /// <summary>How many moments there are.</summary>
    public int States => _states.Count;

    /// <summary>The shortest schedule that loses something; null if none does.</summary>
    public string? Loss { get; private set; }

    /// <summary>The objects that were collected in some schedule.</summary>
    public int Collected { get; private set; }

    /// <summary>The writers that were acknowledged in some schedule.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>Goes through all moments, until something is lost.</summary>
    /// <param name="of">The case.</param>
    /// <param name="lates">How many requests may go unanswered.</param>
    /// <param name="deaths">How many collectors may die.</param>
    public static Exploration Of(Case of, int lates = 1, int deaths = 0)
    {
        var exploration = new Exploration(of);
        exploration.Add(exploration.First(lates, deaths), -1, "");
        for (var next = 0; next < exploration._states.Count && exploration.Loss is null; next++)
            foreach (var (says, after) in exploration.Moves(exploration._states[next].State))
                if (exploration.Add(after, next, says))
                    break;
        return exploration;
    }

    private State First(int lates, int deaths)
    {
        var state = new State(new byte[State.Of(_of.Jobs.Length + _of.Collectors, 0)]);
        for (var key = 0; key < _of.Parts.Length; key++)
            state[State.Objects + key] = (byte)(_of.Present >> key & 1);
        for (var tag = 0; tag < _of.Tags.Length; tag++)
            state[State.Tags + tag] = (byte)(_of.Tags[tag] + 1);
        (state[State.LatesLeft], state[State.DeathsLeft]) = ((byte)lates, (byte)deaths);
        return state;
    }

    private bool Add(State state, int before, string says)
    {
        if (!_seen.TryAdd(state, _states.Count))
            return false;
        _states.Add((state, before, says));
        for (var key = 0; key < _of.Parts.Length; key++)
            if ((_of.Present >> key & 1) != 0 && !state.Is(key))
                Collected |= 1 << key;
        for (var actor = 0; actor < _of.Jobs.Length; actor++)
            if (state[State.Of(actor, Writer.Place)] == Writer.Done)
                Acknowledged |= 1 << actor;
        if (Wrong(state) is not { } wrong)
            return false;
        var trace = new List<string> { wrong };
        for (var at = _states.Count - 1; at > 0; at = _states[at].Before)
            trace.Add(_states[at].Says);
        trace.Reverse();
        Loss = string.Join('\n', trace);
        return true;
    }

    private IEnumerable<Move> Moves(State state)
    {
        if (state[State.LateKind] != 0)
        {
            var after = state.Copy();
            var arguments = Enumerable.Range(State.LateArguments, State.LateLeft - State.LateArguments).Select(cell => state[cell]).ToArray();
            Forget(after);
            Store.Do(_of, after, (Late)state[State.LateKind], arguments, Case.D - state[State.LateLeft]);
            yield return ($"late: {(Late)state[State.LateKind]}", after);
        }
        for (var actor = 0; actor < _of.Jobs.Length; actor++)
            foreach (var (says, after) in Writer.Moves(_of, state, actor))
                yield return ($"writer {actor + 1} {says}", after);
        for (var collector = 0; collector < _of.Collectors; collector++)
            foreach (var (says, after) in CollectorMoves.Moves(_of, state, _of.Jobs.Length + collector))
                yield return ($"collector {collector + 1} {says}", after);
        if (_of.Removed >= 0 && state[State.RemoverDone] == 0)
            foreach (var (says, after) in Writer.Request(_of, state, "somebody removes the tag", Late.Untag, [(byte)_of.Removed], after => after[State.RemoverDone] = 1, late => late[State.RemoverDone] = 1))
                yield return (says, after);
        yield return ("time goes by", Tick(state.Copy()));
    }

    private State Tick(State state)
    {
        if (state[State.Phase] != (byte)Phase.Idle && state[State.Age] <= _of.Over)
            state[State.Age]++;
        // An accepted request takes effect in time, or never.
        if (state[State.LateKind] != 0 && state[State.LateLeft]-- == 0)
            Forget(state);
        for (var actor = 0; actor < _of.Jobs.Length; actor++)
            Writer.Tick(state, actor);
        for (var collector = 0; collector < _of.Collectors; collector++)
            CollectorMoves.Tick(_of, state, _of.Jobs.Length + collector);
        return state;
    }

    private static void Forget(State state)
    {
        for (var cell = State.LateKind; cell <= State.LateLeft; cell++)
            state[cell] = 0;
    }

    private string? Wrong(State state)
    {
        if (state[State.Lost] != 0)
            return "what was acknowledged is collected in the round in which it was";
        var there = Enumerable.Range(0, _of.Parts.Length).Where(state.Is).Sum(key => 1 << key);
        for (var tag = 0; tag < _of.Tags.Length; tag++)
            if ((state[State.Tags + tag] & (State.New - 1)) is > 0 and var target && (_of.Closure(target - 1) & ~there) != 0)
                return $"tag {tag + 1} names what is not whole";
        for (var actor = 0; actor < _of.Jobs.Length; actor++)
            if (state[State.Of(actor, Writer.Place)] == Writer.Done && Gone(_of.Jobs[actor], state, there))
                return $"what writer {actor + 1} was acknowledged is gone";
        var going = state[State.Phase] == (byte)Phase.Deleting ? state[State.List] : 0;
        for (var key = 0; key < _of.Parts.Length; key++)
            if (((there & ~going) >> key & 1) != 0 && (_of.Parts[key] & ~there) != 0)
                return $"manifest {key} lacks a part";
        return null;
    }

    // A tag that retention may take is judged by its round; what refers to something stays as long as that has its tag.
    private bool Gone(Job job, State state, int there) => job.Tag >= 0
        ? !_of.TagsGo && state[State.Tags + job.Tag] != job.Names + 1 && _of.Jobs.Count(other => other.Tag == job.Tag) == 1 && _of.Removed != job.Tag
        : job.Puts == _of.Refers.Referrer && _of.Removed < 0 && _of.Tags.Contains(_of.Refers.Subject) && (there >> job.Puts & 1) == 0;
}
