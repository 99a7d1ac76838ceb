using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>What <c>pail.json</c> at the root of a bucket says.</summary>
/// <param name="Layout">How the bucket is laid out.</param>
/// <param name="Public">Whether clients pull from the bucket itself, so that the static lists are kept.</param>
public sealed record BucketSettings(LayoutKind Layout, bool Public)
{
    /// <summary>The key of the settings.</summary>
    internal const string Key = "pail.json";

    private const int MaxSize = 64 << 10;

    private const string ConditionsField = "conditions";
    private const string CollectField = "collect";
    private const string PolicyField = "immutable";
    private const string HoldsField = "holds";

    // A Pail that knows nothing of collectors and immutable tags refuses 2, and so writes nothing that a collector could take for garbage, and moves no immutable tag.
    private const int Version = 1, GuardedVersion = 2;

    /// <summary>Which conditions on writes the store keeps; null if that was not tried out.</summary>
    internal WriteConditions? Conditions { get; init; }

    /// <summary>How collectors and writers work together; null for a bucket that was never collected.</summary>
    internal CollectPace? Collect { get; init; }

    /// <summary>Which version of the policy says that tags are immutable (<see cref="RetentionFile.VersionOf"/>); null if none is.</summary>
    internal string? Policy { get; init; }

    /// <summary>True if each push writes down which repository holds what (<see cref="Buckets.Holds"/>); counts in a pool alone.</summary>
    internal bool Holds { get; init; }

    /// <summary>What is known of a public bucket without reading its settings.</summary>
    internal static BucketSettings OfPublic { get; } = new(LayoutKind.V2, Public: true);

    /// <summary>Reads the settings; where there are none, the keys show the layout, and an empty bucket is to be <c>v2</c>.</summary>
    /// <remarks>One GET; a LIST more for a bucket without settings.</remarks>
    /// <exception cref="PailException">The settings can't be understood, or the store failed.</exception>
    internal static async Task<BucketSettings> ReadAsync(IObjectStore store, CancellationToken cancel)
    {
        if (await TryReadAsync(store, cancel) is { } settings)
            return settings;
        try
        {
            var top = await store.ListAsync(new ListQuery("", "/"), cancel);
            return new BucketSettings(BucketLayout.Recognise(top.Prefixes).Kind, Public: false);
        }
        catch (StoreException e) when (e.Error == StoreError.AccessDenied)
        {
            // Credentials that may read and write objects need not be allowed to list them.
            return new BucketSettings(LayoutKind.V2, Public: false);
        }
    }

    /// <summary>Reads the settings; null where there are none. One GET.</summary>
    /// <exception cref="PailException">The settings can't be understood, or the store failed.</exception>
    internal static async Task<BucketSettings?> TryReadAsync(IObjectStore store, CancellationToken cancel) =>
        await SmallObject.ReadAsync(store, Key, MaxSize, cancel) is { } found ? Parse(found.Bytes, store.Name) : null;

    /// <summary>Writes the settings; fields of the file that are not known here stay, and so does what it says of immutable tags. One GET and one PUT, none if it says the same already.</summary>
    internal Task WriteAsync(IObjectStore store, CancellationToken cancel) => ChangeAsync(store, Conditions ?? WriteConditions.Neither, file =>
    {
        file["layout"] = BucketLayout.Of(Layout).Name;
        file["public"] = Public;
        file.Remove(ConditionsField);
        if (Conditions is { } kept)
            file[ConditionsField] = new JsonObject { ["ifAbsent"] = kept.IfAbsent, ["ifMatch"] = kept.IfMatch };
        // Never taken back: somebody else may have begun to collect since these settings were read.
        if (Holds)
            file[HoldsField] = true;
        if (Collect is { } pace)
            file[CollectField] = new JsonObject { ["seconds"] = pace.Seconds, ["from"] = pace.From };
    }, cancel);

    /// <summary>Writes which version of the policy says that tags are immutable, or that none is. One GET and one PUT, none if it says the same already.</summary>
    internal static async Task WritePolicyAsync(Bucket bucket, string? version, CancellationToken cancel) => await ChangeAsync(bucket.Store, await bucket.Conditions.KnowAsync(cancel), file =>
    {
        if (version is null)
        {
            file.Remove(PolicyField);
            return;
        }
        if (!file.ContainsKey("layout"))
            (file["layout"], file["public"]) = (bucket.Layout.Name, bucket.Settings.Public);
        file[PolicyField] = version;
    }, cancel);

    /// <summary>Writes that pushes write holds from now on. One GET and one PUT, none if it says so already.</summary>
    internal static async Task WriteHoldsAsync(Bucket bucket, CancellationToken cancel) => await ChangeAsync(bucket.Store, await bucket.Conditions.KnowAsync(cancel), file =>
    {
        if (!file.ContainsKey("layout"))
            (file["layout"], file["public"]) = (bucket.Layout.Name, bucket.Settings.Public);
        file[HoldsField] = true;
    }, cancel);

    private static Task ChangeAsync(IObjectStore store, WriteConditions conditions, Action<JsonObject> change, CancellationToken cancel) => SmallObject.UpdateAsync(store, Key, V2Layout.ListHeaders, MaxSize, conditions, before =>
    {
        using var document = before is { } found ? JsonDocument.Parse(found) : null;
        var file = document is null ? [] : JsonText.ToNode(document.RootElement) as JsonObject ?? [];
        change(file);
        if (file.Count == 0)
            return null;
        file["version"] = file.ContainsKey(CollectField) || file.ContainsKey(PolicyField) ? GuardedVersion : Version;
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
            file.WriteTo(json);
        return before is { } now && now.Span.SequenceEqual(bytes.ToArray()) ? null : bytes.ToArray();
    }, cancel);

    private static BucketSettings Parse(ReadOnlyMemory<byte> bytes, string bucket)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes.Span, SettingsJson.Default.SettingsFile) switch
            {
                { Version: Version or GuardedVersion, Collect: not { Seconds: < CollectPace.Least }, Public: var open, Layout: var name, Conditions: var conditions } file when BucketLayout.Named(name) is { } layout && (!open || layout.CanBePublic) =>
                    new BucketSettings(layout.Kind, open) { Conditions = conditions, Policy = file.Immutable, Holds = file.Holds, Collect = file.Version == GuardedVersion ? file.Collect ?? (file.Immutable is null ? new() : null) : null },
                { Version: > GuardedVersion } newer => throw new PailException(Failure.BadContent, $"{bucket}: {Key} has version {newer.Version}, made by a newer Pail. Update this one."),
                _ => throw new PailException(Failure.BadContent, $"{bucket}: {Key} names no layout Pail knows: \"layout\" must be \"v2\" or \"pool\", and only v2 can be public."),
            };
        }
        catch (JsonException e)
        {
            throw new PailException(Failure.BadContent, $"{bucket}: {Key} is not valid: {JsonText.Why(e)}.", e);
        }
    }
}

internal sealed record SettingsFile(int Version, string Layout, bool Public = false, WriteConditions? Conditions = null, CollectPace? Collect = null, string? Immutable = null, bool Holds = false);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SettingsFile))]
internal sealed partial class SettingsJson : JsonSerializerContext;
