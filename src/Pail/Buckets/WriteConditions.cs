namespace Pail.Buckets;

/// <summary>Which conditions a store keeps: others take them and write all the same, or refuse them.</summary>
/// <param name="IfAbsent">Writes only what is not there (<c>If-None-Match: *</c>).</param>
/// <param name="IfMatch">Replaces only the version stated (<c>If-Match</c>), and states versions.</param>
internal sealed record WriteConditions(bool IfAbsent, bool IfMatch)
{
    /// <summary>Those of a store that keeps both.</summary>
    public static WriteConditions Both { get; } = new(true, true);

    /// <summary>Those of a store that keeps none.</summary>
    public static WriteConditions Neither { get; } = new(false, false);
}
