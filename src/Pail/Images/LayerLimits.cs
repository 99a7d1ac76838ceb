namespace Pail.Images;

/// <summary>Sizes that decide what is done with layers.</summary>
internal static class LayerLimits
{
    /// <summary>Layers larger than this in bytes (8 MiB) are remembered, and asked for: smaller ones cost less to send than to look up.</summary>
    public const long Remembered = 8 << 20;

    /// <summary>Layers whose tar is larger than this in bytes (1 MiB) are sent as soon as they are made; smaller ones take no time, and come with the manifest.</summary>
    public const long SentAhead = 1 << 20;
}
