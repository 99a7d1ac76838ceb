using Pail.Stores;

namespace Pail.Tests.Collect.Simulation;

/// <summary>An object of a simulated bucket.</summary>
internal sealed record SimObject(byte[] Bytes, ObjectHeaders Headers, string ETag, DateTimeOffset Modified)
{
    public ObjectInfo Info => new(Bytes.Length, ETag, Modified, Headers.ContentType) { CacheControl = Headers.CacheControl, Metadata = Headers.Metadata };
}

/// <summary>What a simulated bucket holds: strongly consistent, as S3 is. Times are in whole seconds, and ETags those of the content.</summary>
internal sealed class SimBucket(SimTime time)
{
    public SortedDictionary<string, SimObject> Objects { get; } = new(StringComparer.Ordinal);

    public SimTime Time => time;

    public string? Put(string key, byte[] bytes, ObjectHeaders headers, PutCondition condition, bool conditions)
    {
        var there = Objects.GetValueOrDefault(key);
        if (conditions && ((condition.Absent && there is not null) || (condition.ETag is { } etag && there?.ETag != etag)))
            return null;
        var now = time.GetUtcNow();
        Objects[key] = new(bytes, headers, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..32], now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond)));
        return Objects[key].ETag;
    }
}
