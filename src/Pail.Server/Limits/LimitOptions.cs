namespace Pail.Server.Limits;

/// <summary>How much one address or one user may use. Zero: as much as it likes.</summary>
internal sealed record LimitOptions
{
    /// <summary>Requests a minute.</summary>
    public int Requests { get; init; }

    /// <summary>Bytes of bodies a minute, both ways, through the server.</summary>
    public long Bytes { get; init; }

    /// <summary>Requests that push at once.</summary>
    public int Pushes { get; init; }

    /// <summary>True if nothing is limited.</summary>
    public bool IsOff => this is { Requests: 0, Bytes: 0, Pushes: 0 };
}
