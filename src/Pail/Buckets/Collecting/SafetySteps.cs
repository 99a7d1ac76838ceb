namespace Pail.Buckets.Collecting;

/// <summary>
/// The steps that make collecting safe, by their names in docs/gc.md. All are always taken; tests take one out and see data lost,
/// which shows that they look where it matters.
/// </summary>
internal sealed record SafetySteps
{
    /// <summary>Every step.</summary>
    public static SafetySteps All { get; } = new();

    // Of those who write.
    public bool FencedPut { get; init; } = true;
    public bool EndedRounds { get; init; } = true;
    public bool CachesForget { get; init; } = true;
    public bool Marker { get; init; } = true;
    public bool LookAfterMarker { get; init; } = true;
    public bool OwnKey { get; init; } = true;
    public bool OwnTag { get; init; } = true;
    public bool WaitWhileDeleting { get; init; } = true;

    // Of collectors.
    public bool FencedDelete { get; init; } = true;
    public bool CondemnedWait { get; init; } = true;
    public bool SecondMark { get; init; } = true;
    public bool SecondMarkFromAll { get; init; } = true;
    public bool YoungStays { get; init; } = true;
    public bool SinceLook { get; init; } = true;
    public bool MarkersAfterDeleting { get; init; } = true;
    public bool PartsOfMarked { get; init; } = true;
    public bool TargetOfMarkedTag { get; init; } = true;
    public bool ParentsFirst { get; init; } = true;
    public bool ReferrersStay { get; init; } = true;
    public bool ClearWait { get; init; } = true;
    public bool CompareAndSwap { get; init; } = true;
    public bool ReadBack { get; init; } = true;
    public bool FencedSweep { get; init; } = true;
}
