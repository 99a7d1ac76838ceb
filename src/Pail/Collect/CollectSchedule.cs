using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;

namespace Pail.Collect;

/// <summary>The last run of something that the servers of a bucket do on a schedule, one of them at a time.</summary>
/// <param name="Started">When it began, by the store's clock.</param>
/// <param name="By">A random name of the run.</param>
internal sealed record ScheduledRun(DateTimeOffset Started, string By)
{
    /// <summary>When it ended; null while it runs, or if its server died.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>How many objects it removed.</summary>
    public long? FreedObjects { get; init; }

    /// <summary>How many bytes they had.</summary>
    public long? FreedBytes { get; init; }

    /// <summary>How many tags retention dropped.</summary>
    public long? DroppedTags { get; init; }

    /// <summary>How many objects could not be read or removed; the log of the server names them.</summary>
    public int? Warnings { get; init; }

    /// <summary>The kind of failure that ended it; the log of the server has its words.</summary>
    public string? Error { get; init; }
}

/// <summary>What the servers of a bucket do on a schedule, and when they last did: <c>pail/gc/schedule</c>, which tells each of them whether another was first.</summary>
internal sealed record CollectSchedule
{
    /// <summary>Its key.</summary>
    public const string Key = CollectKeys.Prefix + "schedule";

    private const int MaxSize = 64 << 10;

    /// <summary>The last collection of garbage.</summary>
    public ScheduledRun? Gc { get; init; }

    /// <summary>The last retention.</summary>
    public ScheduledRun? Retain { get; init; }

    /// <summary>Reads it; empty if nothing was done on a schedule yet. One GET.</summary>
    public static async Task<CollectSchedule> ReadAsync(Bucket bucket, CancellationToken cancel) => Read((await SmallObject.ReadAsync(bucket.Store, Key, MaxSize, cancel))?.Bytes);

    /// <summary>Takes the next run, if it is due and nobody else took it. One GET; one PUT more if it is due.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="retains">True for retention, false for collecting garbage.</param>
    /// <param name="every">How long after the start of the last one the next is due.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <returns>The schedule as it is now, and the run if it was taken.</returns>
    public static async Task<(CollectSchedule Schedule, ScheduledRun? Taken)> TryTakeAsync(Bucket bucket, bool retains, TimeSpan every, CancellationToken cancel)
    {
        var mine = new ScheduledRun(Now(bucket), $"{Guid.NewGuid():n}");
        var (seen, taken) = (new CollectSchedule(), false);
        await SmallObject.UpdateAsync(bucket.Store, Key, V2Layout.ListHeaders, MaxSize, await bucket.Conditions.KnowAsync(cancel), current =>
        {
            seen = Read(current);
            var last = seen.Of(retains);
            taken = last?.By == mine.By;
            // One that began in what is the future here comes of a clock that was wrong.
            if (taken || (last is not null && mine.Started - last.Started < every && last.Started - mine.Started < every))
                return null;
            (seen, taken) = (seen.With(retains, mine), true);
            return seen.ToBytes();
        }, cancel);
        return (seen, taken ? mine : null);
    }

    /// <summary>Writes down how a run ended, unless a later one has begun. One GET and one PUT.</summary>
    public static async Task<CollectSchedule> EndAsync(Bucket bucket, bool retains, ScheduledRun run, CancellationToken cancel)
    {
        var (seen, ended) = (new CollectSchedule(), run with { Ended = Now(bucket) });
        await SmallObject.UpdateAsync(bucket.Store, Key, V2Layout.ListHeaders, MaxSize, await bucket.Conditions.KnowAsync(cancel), current =>
        {
            seen = Read(current);
            if (seen.Of(retains) is not { } last || last.By != run.By || last == ended)
                return null;
            seen = seen.With(retains, ended);
            return seen.ToBytes();
        }, cancel);
        return seen;
    }

    /// <summary>The time by the store's clock, as far as it is known.</summary>
    public static DateTimeOffset Now(Bucket bucket) => bucket.Store.Abilities.Fences?.Now ?? bucket.Engine.Retry.Time.GetUtcNow();

    /// <summary>The last run of either.</summary>
    public ScheduledRun? Of(bool retains) => retains ? Retain : Gc;

    /// <summary>As JSON, in the bucket and to those who ask a server.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ScheduleJson.Default.CollectSchedule);

    private CollectSchedule With(bool retains, ScheduledRun run) => retains ? this with { Retain = run } : this with { Gc = run };

    // What is damaged is as good as none: then the next run is due.
    private static CollectSchedule Read(ReadOnlyMemory<byte>? bytes)
    {
        try
        {
            return bytes is { } found ? JsonSerializer.Deserialize(found.Span, ScheduleJson.Default.CollectSchedule) ?? new() : new();
        }
        catch (JsonException)
        {
            return new();
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CollectSchedule))]
internal sealed partial class ScheduleJson : JsonSerializerContext;
