namespace Pail.Tests.Collect.Model;

internal enum Phase : byte { Idle, Condemned, Deleting }

/// <summary>A request that the store accepted and that takes effect later, or never.</summary>
internal enum Late : byte { None, Put, Tag, Untag, Delete, Marker, Register }

/// <summary>A moment of the model: the bucket, what is under way, and where each actor is. Small numbers all, so that equal ones are found fast.</summary>
internal sealed class State(byte[] cells) : IEquatable<State>
{
    // Register: phase, round, list, age in ticks, which list it is (only where the store keeps no conditions).
    public const int Phase = 0, Round = 1, List = 2, Age = 3, Owner = 4;

    // Objects: 0 is not there, 1 is there, 2 was written since the list. Tags: 0, or 1 + what it names, with New if written since the list.
    public const int Objects = 5, Tags = 9, New = 64;
    public const int Markers = 11;

    // One late request: kind, up to five arguments, ticks left; and how many more there may be.
    public const int LateKind = 12, LateArguments = 13, LateLeft = 18, LatesLeft = 19;
    public const int DeathsLeft = 20, RemoverDone = 21, Lost = 22;

    // How many lists were begun: the name of the round, where two may have the same number.
    public const int Lists = 23;

    // How many were tried: without conditions each carries its number, by which its collector knows it again.
    public const int Tries = 24;
    public const int Actors = 25, ActorSize = 8;

    public byte this[int cell]
    {
        get => cells[cell];
        set => cells[cell] = value;
    }

    /// <summary>Another moment that can be changed.</summary>
    public State Copy() => new((byte[])cells.Clone());

    /// <summary>Where an actor's cell is.</summary>
    public static int Of(int actor, int cell) => Actors + (actor * ActorSize) + cell;

    public bool Is(int key) => cells[Objects + key] != 0;

    public bool Equals(State? other) => other is not null && cells.AsSpan().SequenceEqual(other.Cells);

    public override bool Equals(object? obj) => Equals(obj as State);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(cells);
        return hash.ToHashCode();
    }

    private ReadOnlySpan<byte> Cells => cells;
}
