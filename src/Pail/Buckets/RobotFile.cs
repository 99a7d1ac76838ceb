using System.Buffers;
using Pail.Access;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>The robots of a bucket: an object <c>pail/robots/NAME</c> for each.</summary>
internal static class RobotFile
{
    /// <summary>What their keys begin with.</summary>
    public const string Prefix = "pail/robots/";

    private static readonly ObjectHeaders Headers = new("application/json", "no-cache");

    /// <summary>Reads a robot; null if there is none. One GET.</summary>
    /// <exception cref="PailException">It is damaged (<see cref="Failure.BadContent"/>), or the store failed.</exception>
    public static async Task<Robot?> ReadAsync(Bucket bucket, string name, CancellationToken cancel = default) =>
        await SmallObject.ReadAsync(bucket.Store, Prefix + name, Robot.MaxSize, cancel) is { } found ? Robot.Read(found.Bytes, name) : null;

    /// <summary>Lists the robots, in the order of their names. One LIST for each 1,000, and one GET for each.</summary>
    public static async Task<IReadOnlyList<Robot>> ListAsync(Bucket bucket, CancellationToken cancel = default)
    {
        var robots = new List<Robot>();
        await foreach (var entry in bucket.Store.ListObjectsAsync(new ListQuery(Prefix), cancel))
            if (Robot.IsName(entry.Key[Prefix.Length..]) && await ReadAsync(bucket, entry.Key[Prefix.Length..], cancel) is { } robot)
                robots.Add(robot);
        return robots;
    }

    /// <summary>Writes a robot that must not be there yet. One GET and one PUT.</summary>
    /// <exception cref="PailException">There is one of this name (<see cref="Failure.Conflict"/>), or the store failed.</exception>
    public static Task CreateAsync(Bucket bucket, Robot robot, CancellationToken cancel = default) => ChangeAsync(bucket, robot.Name, before => before is null
        ? robot
        : throw new PailException(Failure.Conflict, $"{bucket.Name} has a robot '{robot.Name}'. 'pail robot rotate' gives it a new secret."), cancel);

    /// <summary>Gives a robot another secret, and returns both. One GET and one PUT.</summary>
    /// <exception cref="PailException">There is none (<see cref="Failure.NotFound"/>), or the store failed.</exception>
    public static async Task<(Robot Robot, string Secret)> RotateAsync(Bucket bucket, string name, DateTimeOffset now, DateTimeOffset until, CancellationToken cancel = default)
    {
        (Robot Robot, string Secret) made = default;
        await ChangeAsync(bucket, name, before => (made = (before ?? throw Missing(bucket, name)).Rotate(now, until)).Robot, cancel);
        return made;
    }

    /// <summary>Removes a robot, damaged or not. One HEAD and one DELETE.</summary>
    /// <exception cref="PailException">There is none (<see cref="Failure.NotFound"/>), or the store failed.</exception>
    public static async Task RemoveAsync(Bucket bucket, string name, CancellationToken cancel = default)
    {
        if (await bucket.Store.HeadAsync(Prefix + name, cancel) is null)
            throw Missing(bucket, name);
        await bucket.Store.DeleteAsync(Prefix + name, cancel);
    }

    private static PailException Missing(Bucket bucket, string name) => new(Failure.NotFound, $"{bucket.Name} has no robot '{name}'. 'pail robot ls' lists them.");

    private static async Task ChangeAsync(Bucket bucket, string name, Func<Robot?, Robot> change, CancellationToken cancel)
    {
        var key = Prefix + name;
        var conditions = await bucket.Conditions.KnowAsync(cancel);
        var before = await SmallObject.ReadAsync(bucket.Store, key, Robot.MaxSize, cancel);
        var next = change(before is null ? null : Robot.Read(before.Bytes, name));
        var condition = before is null ? (conditions.IfAbsent ? PutCondition.IfAbsent : PutCondition.None)
            : conditions.IfMatch && before.Info.ETag.Length > 0 ? PutCondition.IfMatch(before.Info.ETag) : PutCondition.None;
        if (await bucket.Store.PutAsync(key, new ReadOnlySequence<byte>(next.Write()), Headers, condition, cancel) is null)
            throw new PailException(Failure.Conflict, $"{bucket.Name}: the robot '{name}' was changed by somebody else meanwhile. Try again.");
    }
}
