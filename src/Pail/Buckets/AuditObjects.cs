using System.Buffers;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>The audit trail of servers: objects of lines that are written once.</summary>
internal static class AuditObjects
{
    /// <summary>What their keys begin with.</summary>
    public const string Prefix = "pail/audit/";

    private static readonly ObjectHeaders Headers = new("application/x-ndjson", "no-cache");

    /// <summary>Writes one. One PUT.</summary>
    public static async Task WriteAsync(Bucket bucket, string key, ReadOnlyMemory<byte> lines, CancellationToken cancel = default) =>
        await bucket.Store.PutAsync(key, new ReadOnlySequence<byte>(lines), Headers, PutCondition.None, cancel);
}
