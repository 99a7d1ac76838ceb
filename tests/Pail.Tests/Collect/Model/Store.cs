namespace Pail.Tests.Collect.Model;

/// <summary>What requests do to the bucket of a model, at once or late.</summary>
internal static class Store
{
    /// <summary>Makes a request take effect. What others see of it, they see at once, as on S3.</summary>
    /// <param name="of">The case.</param>
    /// <param name="state">What is changed.</param>
    /// <param name="what">The request.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="late">How many ticks ago it was accepted.</param>
    /// <returns>False if its condition did not hold.</returns>
    public static bool Do(Case of, State state, Late what, ReadOnlySpan<byte> arguments, int late = 0)
    {
        // The time of a late write may be that of its acceptance, before the list was written.
        var seenAsOld = late > 0 && state[State.Phase] != (byte)Phase.Idle && state[State.Age] <= late;
        switch (what)
        {
            case Late.Put:
                state[State.Objects + arguments[0]] = (byte)(seenAsOld && state[State.Objects + arguments[0]] != 2 ? 1 : 2);
                return true;
            case Late.Tag:
                state[State.Tags + arguments[0]] = (byte)((arguments[1] + 1) | (!of.TagsGo || (seenAsOld && state[State.Tags + arguments[0]] < State.New) ? 0 : State.New));
                return true;
            case Late.Untag:
                state[State.Tags + arguments[0]] = 0;
                return true;
            case Late.Marker:
                if (state[State.Round] == arguments[0])
                    state[State.Markers] |= arguments[1];
                return true;
            case Late.Delete:
                Delete(of, state, arguments[0], arguments[1]);
                return true;
            default:
                return Write(of, state, arguments, late);
        }
    }

    /// <summary>The arguments of a write of the register, which replaces what it was when it was read, where the store keeps conditions.</summary>
    public static byte[] Register(Phase phase, int round, int list, int number, Phase before) => [(byte)phase, (byte)round, (byte)list, (byte)number, (byte)before];

    private static void Delete(Case of, State state, int key, int list)
    {
        var tag = key - of.Parts.Length;
        if (tag >= 0 ? state[State.Tags + tag] == 0 : !state.Is(key))
            return;
        // What was acknowledged outlives the lists that were begun before.
        for (var actor = 0; actor < of.Jobs.Length; actor++)
            if (state[State.Of(actor, Writer.Place)] == Writer.Done && list <= state[State.Of(actor, Writer.Acknowledged)] && (tag >= 0 ? of.Jobs[actor].Tag == tag : of.Jobs[actor].Tag < 0 && of.Jobs[actor].Puts == key))
                state[State.Lost] = 1;
        state[tag >= 0 ? State.Tags + tag : State.Objects + key] = 0;
    }

    private static bool Write(Case of, State state, ReadOnlySpan<byte> arguments, int late)
    {
        var (phase, round, list, number, before) = ((Phase)arguments[0], arguments[1], arguments[2], arguments[3], (Phase)arguments[4]);
        // A round begins after the one that ended last; all else belongs to it.
        var begins = phase == Phase.Condemned || (!of.Conditions && phase == Phase.Deleting);
        if (of.Conditions && of.Steps.CompareAndSwap && ((Phase)state[State.Phase] != before || state[State.Round] != (begins ? round - 1 : round)))
            return false;
        if (begins)
        {
            state[State.Lists]++;
            state[State.Markers] = 0;
            for (var key = 0; key < of.Parts.Length; key++)
                state[State.Objects + key] = Math.Min(state[State.Objects + key], (byte)1);
            for (var tag = 0; tag < of.Tags.Length; tag++)
                state[State.Tags + tag] &= State.New - 1;
        }
        (state[State.Phase], state[State.Round], state[State.List]) = ((byte)phase, round, list);
        (state[State.Age], state[State.Owner]) = (phase == Phase.Idle ? (byte)0 : (byte)late, number);
        return true;
    }
}
