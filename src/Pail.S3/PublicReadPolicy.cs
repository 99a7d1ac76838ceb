using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.Stores;

namespace Pail.S3;

/// <summary>The bucket policy that lets anybody get the objects under a prefix, and nothing else.</summary>
/// <remarks>
/// Listing stays closed, for it can't be opened for a prefix alone in a way that makes S3 say 404:
/// a missing object is answered 403. That is why public buckets hold a referrers object for each manifest.
/// </remarks>
internal static class PublicReadPolicy
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The policy with our statement in it; exactly <paramref name="existing"/> if it has it already. What the owner wrote stays.</summary>
    /// <param name="existing">The bucket's policy; null for none.</param>
    /// <param name="bucket">The bucket's name.</param>
    /// <param name="prefix">What the keys of the objects to open begin with.</param>
    /// <param name="partition">AWS partition: <c>aws</c>, <c>aws-cn</c>, <c>aws-us-gov</c>.</param>
    /// <param name="name">The bucket as people know it.</param>
    /// <exception cref="StoreException">A statement has our name and says something else, or the policy can't be read.</exception>
    public static string Merge(string? existing, string bucket, string prefix, string partition, string name)
    {
        var ours = Statement(bucket, prefix, partition);
        if (existing is null)
            return new JsonObject { ["Version"] = "2012-10-17", ["Statement"] = new JsonArray(ours) }.ToJsonString(Readable);
        var policy = Read(existing, name);
        // One statement may stand without its list.
        var statements = policy["Statement"] switch
        {
            JsonArray list => list,
            JsonObject one => new JsonArray(one.DeepClone()),
            _ => throw Unreadable(name, null),
        };
        var same = statements.OfType<JsonObject>().FirstOrDefault(statement => statement["Sid"]?.ToString() == ours["Sid"]!.ToString());
        if (same is null)
        {
            statements.Add((JsonNode)ours);
            policy["Statement"] = statements.DeepClone();
            return policy.ToJsonString(Readable);
        }
        return SaysTheSame(same, ours) ? existing : throw new StoreException(
            StoreError.Rejected,
            $"{name}: the bucket's policy has a statement {ours["Sid"]} that Pail did not write so. Remove or rename it, then try again");
    }

    // Sids are letters and digits; prefixes that differ need names that differ.
    private static JsonObject Statement(string bucket, string prefix, string partition) => new()
    {
        ["Sid"] = "PailPublicRead" + Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(prefix)).AsSpan(0, 4)),
        ["Effect"] = "Allow",
        ["Principal"] = "*",
        ["Action"] = "s3:GetObject",
        ["Resource"] = $"arn:{partition}:s3:::{bucket}/{prefix}*",
    };

    private static JsonObject Read(string policy, string name)
    {
        try
        {
            return JsonNode.Parse(policy, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject ?? throw Unreadable(name, null);
        }
        catch (JsonException e)
        {
            throw Unreadable(name, e);
        }
    }

    // AWS gives a policy back in its own spelling: {"AWS":"*"} for "*", and lists of one.
    private static bool SaysTheSame(JsonObject a, JsonObject b) =>
        a.Select(member => member.Key).Order(StringComparer.Ordinal).SequenceEqual(b.Select(member => member.Key).Order(StringComparer.Ordinal))
        && a.All(member => Plain(member.Value) == Plain(b[member.Key]));

    private static string Plain(JsonNode? node) => node switch
    {
        JsonArray { Count: 1 } list => Plain(list[0]),
        JsonObject { Count: 1 } principal when principal["AWS"] is { } all => Plain(all),
        _ => node?.ToJsonString() ?? "",
    };

    private static StoreException Unreadable(string name, Exception? inner) =>
        new(StoreError.Rejected, $"{name}: the bucket's policy can't be read, so nothing was changed", inner);
}
