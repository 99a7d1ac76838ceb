using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Stores;

namespace Pail.Buckets.Collecting;

/// <summary>What the collectors of a bucket are about.</summary>
internal enum CollectPhase
{
    /// <summary>Nothing is to be removed.</summary>
    Idle,

    /// <summary>What is listed will be removed unless somebody turns out to need it. Who needs it says so by a marker.</summary>
    Condemned,

    /// <summary>What is listed is being removed. Who needs it waits, and then looks for it anew.</summary>
    Deleting,

    /// <summary>The same where the store keeps no conditions: what is listed is condemned and then removed without a word between.</summary>
    Sweeping,
}

/// <summary>The register <c>pail/gc/state</c>: what all who write to a bucket know of its collectors. docs/gc.md says how it is used.</summary>
/// <param name="Phase">What is being done.</param>
/// <param name="Round">How many rounds have begun.</param>
/// <param name="By">A random name of the round, for its collector to know its own writes again.</param>
/// <param name="Keys">What is condemned or being removed.</param>
/// <param name="Last">The name of the round that ended last. What was seen under another one is not believed. Numbers would not do: where a store keeps no conditions, two rounds may have the same.</param>
internal sealed record CollectState(CollectPhase Phase, long Round, string By, KeySet Keys, string Last)
{
    /// <summary>A random name of this one write, for its collector to know it again: two that finish the same round write the same but for this.</summary>
    public string Pen { get; init; } = "";

    /// <summary>The key of the register.</summary>
    public const string Key = CollectKeys.Prefix + "state";

    // 50,000 keys of 16 bytes, in base64.
    private const int MaxSize = 2 << 20;

    /// <summary>The most keys of one round; the rest are left to the next.</summary>
    public const int MaxKeys = 50_000;

    /// <summary>When, by the store's clock, the look at the bucket began that what is condemned rests on: what has this time or a later one may be another object. Null where an older Pail condemned.</summary>
    public DateTimeOffset? Looked { get; init; }

    /// <summary>What is true of a bucket without a register.</summary>
    public static CollectState None { get; } = new(CollectPhase.Idle, 0, "", KeySet.Empty, "");

    /// <summary>True while writers that need what is listed have to wait.</summary>
    public bool IsRemoving => Phase is CollectPhase.Deleting or CollectPhase.Sweeping;

    /// <summary>How many rounds have ended.</summary>
    public long Ended => Phase == CollectPhase.Idle ? Round : Round - 1;

    /// <summary>Reads the register. One GET.</summary>
    /// <exception cref="PailException">It is damaged (<see cref="Failure.BadContent"/>), or the store failed.</exception>
    public static async Task<(CollectState State, ObjectInfo? Info)> ReadAsync(IObjectStore store, CancellationToken cancel)
    {
        if (await SmallObject.ReadAsync(store, Key, MaxSize, cancel) is not { } found)
            return (None, null);
        try
        {
            return (Parse(found.Bytes.Span), found.Info);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new PailException(Failure.BadContent, $"{store.Name}: {Key} is damaged, so nothing can be written safely: {Oci.SafeText.OneLine(e.Message)}. If no collection runs, delete that object.", e);
        }
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote.</summary>
    /// <exception cref="FormatException">It is no such thing; <see cref="JsonException"/> if it is no JSON either.</exception>
    public static CollectState Parse(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, CollectJson.Default.CollectFile) is { Round: >= 0, By: { } by, Last: { } last } file && Enum.TryParse<CollectPhase>(file.Phase, ignoreCase: true, out var phase)
            ? new(phase, file.Round, by, KeySet.Read(Convert.FromBase64String(file.Keys ?? "")), last) { Pen = file.Pen ?? "", Looked = file.Looked }
            : throw new FormatException("it names no phase known here");

    /// <summary>The same after its round has ended.</summary>
    public CollectState End() => this with { Phase = CollectPhase.Idle, Keys = KeySet.Empty, Last = By, Looked = null };

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(new CollectFile(Phase.ToString().ToLowerInvariant(), Round, By, Convert.ToBase64String(Keys.ToBytes()), Last, Pen) { Looked = Looked }, CollectJson.Default.CollectFile);
}

internal sealed record CollectFile(string? Phase, long Round, string? By, string? Keys, string? Last, string? Pen)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? Looked { get; init; }
}

internal sealed record MarkerFile(IReadOnlyList<string>? Keys);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CollectFile))]
[JsonSerializable(typeof(MarkerFile))]
internal sealed partial class CollectJson : JsonSerializerContext;
