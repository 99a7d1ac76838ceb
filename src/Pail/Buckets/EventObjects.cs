using System.Buffers;
using System.Runtime.CompilerServices;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>
/// Events that wait for webhooks: an object <c>pail/events/WRITER/TIME-N</c> for those that came together, until each webhook has them.
/// <c>pail/events/WRITER/0lease</c> says who sends those of a writer that are late; <c>0free</c> that its writer ended and anybody may.
/// Both sort before all events, so one LIST of one key says how a writer is.
/// </summary>
internal static class EventObjects
{
    /// <summary>What their keys begin with.</summary>
    public const string Prefix = "pail/events/";

    private const int MaxSize = 4 << 20;
    private const string Lease = "0lease", Free = "0free";

    private static readonly ObjectHeaders Headers = new("application/json", "no-cache");

    /// <summary>The key of events.</summary>
    public static string KeyOf(string writer, DateTimeOffset time, long number) => $"{Prefix}{writer}/{time.UtcDateTime:yyyyMMddHHmmssfff}-{number:D8}";

    /// <summary>True for the key of events, false for a mark.</summary>
    public static bool HoldsEvents(string key) => key.AsSpan(key.LastIndexOf('/') + 1) is not (Lease or Free);

    /// <summary>Writes events. One PUT.</summary>
    public static Task WriteAsync(Bucket bucket, string key, ReadOnlyMemory<byte> events, CancellationToken cancel) => PutAsync(bucket, key, events, cancel);

    /// <summary>Reads events; null if they are gone. One GET.</summary>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(Bucket bucket, string key, CancellationToken cancel) => (await SmallObject.ReadAsync(bucket.Store, key, MaxSize, cancel))?.Bytes;

    /// <summary>The writers that left something. One LIST for each 1,000.</summary>
    public static async IAsyncEnumerable<string> WritersAsync(Bucket bucket, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var page in bucket.Store.ListPagesAsync(new ListQuery(Prefix, Delimiter: "/"), cancel))
            foreach (var prefix in page.Prefixes)
                yield return prefix[Prefix.Length..^1];
    }

    /// <summary>The keys of a writer's events, oldest first. One LIST for each 1,000.</summary>
    public static IAsyncEnumerable<string> KeysAsync(Bucket bucket, string writer, CancellationToken cancel) =>
        bucket.Store.ListObjectsAsync(new ListQuery($"{Prefix}{writer}/"), cancel).Select(entry => entry.Key).Where(HoldsEvents);

    /// <summary>True if nobody sends the events of a writer: it said so, or its lease, or without one its oldest event, is older than leases live. One LIST.</summary>
    public static async Task<bool> IsFreeAsync(Bucket bucket, string writer, DateTimeOffset now, TimeSpan life, CancellationToken cancel) =>
        (await bucket.Store.ListAsync(new ListQuery($"{Prefix}{writer}/", Limit: 1), cancel)).Objects is [var first, ..]
        && (first.Key.EndsWith($"/{Free}", StringComparison.Ordinal) || now - first.Modified > life);

    /// <summary>Says that the events of a writer are sent by somebody for a while. One PUT.</summary>
    public static Task LeaseAsync(Bucket bucket, string writer, string by, CancellationToken cancel) => PutAsync(bucket, $"{Prefix}{writer}/{Lease}", System.Text.Encoding.UTF8.GetBytes(by), cancel);

    /// <summary>True if somebody was the last to say so. One GET.</summary>
    public static async Task<bool> HasLeaseAsync(Bucket bucket, string writer, string by, CancellationToken cancel) =>
        await SmallObject.ReadAsync(bucket.Store, $"{Prefix}{writer}/{Lease}", 1024, cancel) is { } found && System.Text.Encoding.UTF8.GetString(found.Bytes.Span) == by;

    /// <summary>Says that anybody may send the events of a writer. One PUT.</summary>
    public static Task FreeAsync(Bucket bucket, string writer, CancellationToken cancel) => PutAsync(bucket, $"{Prefix}{writer}/{Free}", "{}"u8.ToArray(), cancel);

    /// <summary>Takes back what was said. One DELETE each.</summary>
    public static async Task UnmarkAsync(Bucket bucket, string writer, bool lease, CancellationToken cancel) => await bucket.Store.DeleteAsync($"{Prefix}{writer}/{(lease ? Lease : Free)}", cancel);

    /// <summary>Removes events that every webhook has. One DELETE.</summary>
    public static Task RemoveAsync(Bucket bucket, string key, CancellationToken cancel) => bucket.Store.DeleteAsync(key, cancel);

    private static async Task PutAsync(Bucket bucket, string key, ReadOnlyMemory<byte> body, CancellationToken cancel) =>
        await bucket.Store.PutAsync(key, new ReadOnlySequence<byte>(body), Headers, PutCondition.None, cancel);
}
