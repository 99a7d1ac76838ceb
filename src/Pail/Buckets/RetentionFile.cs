using System.Text;
using Pail.Oci;
using Pail.Retention;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>The retention policy of a bucket, as it is kept.</summary>
/// <param name="Text">The file, as it was written.</param>
/// <param name="Policy">What it says.</param>
internal sealed record RetentionFile(string Text, RetentionPolicy Policy)
{
    /// <summary>The key of the policy.</summary>
    public const string Key = "pail/retention.yaml";

    private static readonly ObjectHeaders Headers = new("application/yaml", "no-cache");

    /// <summary>Reads the policy; null if the bucket has none. One GET.</summary>
    /// <exception cref="PailException">It is not valid (<see cref="Failure.BadContent"/>), or the store failed.</exception>
    public static async Task<RetentionFile?> ReadAsync(Bucket bucket, CancellationToken cancel = default) =>
        await ReadTextAsync(bucket, cancel) is { } text ? new(text, RetentionPolicy.Parse(text, NameIn(bucket))) : null;

    /// <summary>Reads the file, whatever it says; null if there is none. One GET.</summary>
    public static async Task<string?> ReadTextAsync(Bucket bucket, CancellationToken cancel = default) =>
        await SmallObject.ReadAsync(bucket.Store, Key, RetentionPolicy.MaxSize, cancel) is { } found ? Encoding.UTF8.GetString(found.Bytes.Span) : null;

    /// <summary>Writes the policy, whatever was there: one GET and one PUT, none if it says the same already; where tags are immutable, or were, as much for <c>pail.json</c>, and a GET.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="text">The file.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <returns>False if the bucket had this very file.</returns>
    /// <exception cref="PailException">The policy is not valid, or the store failed.</exception>
    public static Task<bool> WriteAsync(Bucket bucket, string text, CancellationToken cancel = default) => WriteAsync(bucket, text, _ => true, cancel);

    /// <summary>Writes the policy if it still is what was read before. Costs what <see cref="WriteAsync(Bucket, string, CancellationToken)"/> does.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="text">The file.</param>
    /// <param name="before">What it was; null if there was none.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <returns>False if the bucket had this very file.</returns>
    /// <exception cref="PailException">It was changed meanwhile (<see cref="Failure.Conflict"/>), is not valid, or the store failed.</exception>
    public static Task<bool> ReplaceAsync(Bucket bucket, string text, string? before, CancellationToken cancel = default) =>
        WriteAsync(bucket, text, current => current == before, cancel);

    /// <summary>What tells one text of the file from all others.</summary>
    public static string VersionOf(string text) => Digest.Of(Encoding.UTF8.GetBytes(text)).ToString();

    /// <summary>The version that <c>pail.json</c> names for that text; null if no tag is immutable by it.</summary>
    public static string? StatedOf(string? text) => text is null || RetentionPolicy.Parse(text, Key).Immutable.IsEmpty ? null : VersionOf(text);

    /// <summary>What the file is called in messages.</summary>
    public static string NameIn(Bucket bucket) => $"{bucket.Name}: {Key}";

    private static async Task<bool> WriteAsync(Bucket bucket, string text, Func<string?, bool> mayReplace, CancellationToken cancel)
    {
        _ = RetentionPolicy.Parse(text, Key);
        var (bytes, written) = (Encoding.UTF8.GetBytes(text), false);
        await SmallObject.UpdateAsync(bucket.Store, Key, Headers, RetentionPolicy.MaxSize, await bucket.Conditions.KnowAsync(cancel), current =>
        {
            if (current?.Span.SequenceEqual(bytes) == true)
                return null;
            if (!mayReplace(current is { } found ? Encoding.UTF8.GetString(found.Span) : null))
                throw new PailException(Failure.Conflict, $"{NameIn(bucket)} was changed meanwhile.");
            written = true;
            return bytes;
        }, cancel);
        await StateAsync(bucket, text, cancel);
        return written;
    }

    // Writers learn from pail.json, which they read anyway, whether there is a policy they must go by. Also if the file is as it was: an earlier attempt may have
    // been interrupted in between. Of several that write policies at once, the last leaves it right, since each looks at the file again.
    private static async Task StateAsync(Bucket bucket, string? text, CancellationToken cancel)
    {
        // If somebody else names one meanwhile, writers read this file and find none.
        if (bucket.Settings.Policy is null && StatedOf(text) is null)
            return;
        // Immutable tags rest on them.
        bucket = await bucket.Conditions.RenewAsync(cancel);
        for (string? stated = null; stated != text; text = await ReadTextAsync(bucket, cancel))
            await BucketSettings.WritePolicyAsync(bucket, StatedOf(stated = text), cancel);
    }
}
