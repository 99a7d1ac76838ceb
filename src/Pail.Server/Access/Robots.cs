using Microsoft.Extensions.Logging;
using Pail.Access;
using Pail.Buckets;
using Pail.Server.Caches;
using Pail.Server.Running;

namespace Pail.Server.Access;

/// <summary>The robots of the bucket. One is read when it logs in or brings a token, and believed for a while: one GET each time.</summary>
internal sealed class Robots(Bucket bucket, ILogger log, TimeProvider time)
{
    private const int Capacity = 1 << 12;

    // So long a robot that was removed, or lost a secret, still gets in.
    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(30);

    private readonly BoundedCache<Key, Seen> _seen = new(Capacity, static _ => 1);

    /// <summary>The robot of that name; null if there is none, or it has ended, or is damaged.</summary>
    public async ValueTask<Robot?> FindAsync(string name, CancellationToken cancel)
    {
        if (!Robot.IsName(name))
            return null;
        if (!_seen.TryGet(new(name), out var seen) || time.GetElapsedTime(seen.At) >= Believed)
            _seen.Set(new(name), seen = new(await ReadAsync(name, cancel), time.GetTimestamp()));
        return seen.Robot is { } robot && robot.IsAlive(time.GetUtcNow()) ? robot : null;
    }

    private async Task<Robot?> ReadAsync(string name, CancellationToken cancel)
    {
        try
        {
            return await RobotFile.ReadAsync(bucket, name, cancel);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            log.RobotDamaged(e.Message);
            return null;
        }
    }

    private readonly record struct Key(string Name);

    private sealed record Seen(Robot? Robot, long At);
}
