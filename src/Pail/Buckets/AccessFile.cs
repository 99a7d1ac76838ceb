using System.Text;
using Pail.Access;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>The access rules of a bucket, which <c>pail serve</c> goes by.</summary>
internal static class AccessFile
{
    /// <summary>The key of the rules.</summary>
    public const string Key = "pail/access.json";

    private static readonly ObjectHeaders Headers = new("application/yaml", "no-cache");

    /// <summary>Reads the rules; null if the bucket has none. One GET.</summary>
    /// <exception cref="PailException">They are not valid (<see cref="Failure.BadContent"/>), or the store failed.</exception>
    public static async Task<AccessRules?> ReadAsync(Bucket bucket, CancellationToken cancel = default) =>
        await ReadTextAsync(bucket, cancel) is { } text ? AccessRules.Parse(text, NameIn(bucket)) : null;

    /// <summary>Reads the file, whatever it says; null if there is none. One GET.</summary>
    public static async Task<string?> ReadTextAsync(Bucket bucket, CancellationToken cancel = default) =>
        await SmallObject.ReadAsync(bucket.Store, Key, AccessRules.MaxSize, cancel) is { } found ? Encoding.UTF8.GetString(found.Bytes.Span) : null;

    /// <summary>Writes the rules, whatever was there: one GET and one PUT, none if they say the same already.</summary>
    /// <returns>False if the bucket had this very file.</returns>
    /// <exception cref="PailException">The rules are not valid, or the store failed.</exception>
    public static async Task<bool> WriteAsync(Bucket bucket, string text, CancellationToken cancel = default)
    {
        _ = AccessRules.Parse(text, Key);
        var (bytes, written) = (Encoding.UTF8.GetBytes(text), false);
        await SmallObject.UpdateAsync(bucket.Store, Key, Headers, AccessRules.MaxSize, await bucket.Conditions.KnowAsync(cancel), current =>
        {
            if (current?.Span.SequenceEqual(bytes) == true)
                return null;
            written = true;
            return bytes;
        }, cancel);
        return written;
    }

    /// <summary>What the file is called in messages.</summary>
    public static string NameIn(Bucket bucket) => $"{bucket.Name}: {Key}";
}
