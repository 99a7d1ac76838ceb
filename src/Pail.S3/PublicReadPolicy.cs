using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.Stores;

namespace Pail.S3;

/// <summary>The bucket policy that lets anybody get some objects, and nothing else.</summary>
/// <remarks>
/// Listing stays closed, for it can't be opened for a prefix alone in a way that makes S3 say 404:
/// a missing object is answered 403. That is why public buckets hold a referrers object for each manifest.
/// </remarks>
internal static class PublicReadPolicy
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const string OurSid = "PailPublicRead";

    /// <summary>The policy with our statement in it; exactly <paramref name="existing"/> if it has it already. What the owner wrote stays.</summary>
    /// <param name="existing">The bucket's policy; null for none.</param>
    /// <param name="scope">What tells the part that is opened from others.</param>
    /// <param name="resources">The objects to open, as ARNs.</param>
    /// <param name="name">The bucket as people know it.</param>
    /// <exception cref="StoreException">A statement has our name and says something else, or the policy can't be read.</exception>
    public static string Merge(string? existing, string scope, IReadOnlyList<string> resources, string name)
    {
        var ours = Statement(scope, resources);
        if (existing is null)
            return new JsonObject { ["Version"] = "2012-10-17", ["Statement"] = new JsonArray(ours) }.ToJsonString(Readable);
        var policy = Read(existing, name);
        var statements = Statements(policy, name);
        var same = statements.OfType<JsonObject>().FirstOrDefault(statement => SidOf(statement) == SidOf(ours));
        if (same is null)
        {
            statements.Add((JsonNode)ours);
            policy["Statement"] = statements.DeepClone();
            return policy.ToJsonString(Readable);
        }
        return SaysTheSame(same, ours) ? existing : throw new StoreException(
            StoreError.Rejected,
            $"{name}: the bucket's policy has a statement {SidOf(ours)} that Pail did not write so. Remove or rename it, then try again");
    }

    /// <summary>The policy without statements of ours; exactly <paramref name="existing"/> if it has none of them, null if nothing is left.</summary>
    /// <param name="existing">The bucket's policy; null for none.</param>
    /// <param name="scope">The part that is opened no more; null for all parts.</param>
    /// <param name="within">What the ARNs of the objects begin with: statements that open others stay.</param>
    /// <param name="name">The bucket as people know it.</param>
    /// <exception cref="StoreException">The policy can't be read.</exception>
    public static string? Remove(string? existing, string? scope, string within, string name)
    {
        if (existing is null)
            return null;
        var policy = Read(existing, name);
        var statements = Statements(policy, name);
        var left = statements.Where(statement => !(statement is JsonObject item && IsOurs(item, scope, within))).ToList();
        if (left.Count == statements.Count)
            return existing;
        policy["Statement"] = new JsonArray([.. left.Select(statement => statement?.DeepClone())]);
        return left.Count == 0 ? null : policy.ToJsonString(Readable);
    }

    // Sids are letters and digits; parts that differ need names that differ.
    private static string NewSid(string scope) => OurSid + Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(scope)).AsSpan(0, 4));

    private static string? SidOf(JsonObject statement) => statement["Sid"]?.ToString();

    // A statement of ours that somebody changed since is closed, too, so long as it opens nothing elsewhere.
    private static bool IsOurs(JsonObject statement, string? scope, string within) =>
        SidOf(statement) is { } sid && (scope is null ? sid.StartsWith(OurSid, StringComparison.Ordinal) : sid == NewSid(scope))
        && statement["Resource"] switch
        {
            JsonArray list => list.All(item => item?.ToString().StartsWith(within, StringComparison.Ordinal) == true),
            var one => one?.ToString().StartsWith(within, StringComparison.Ordinal) == true,
        };

    // One statement may stand without its list.
    private static JsonArray Statements(JsonObject policy, string name) => policy["Statement"] switch
    {
        JsonArray list => list,
        JsonObject one => new JsonArray(one.DeepClone()),
        _ => throw Unreadable(name, null),
    };

    private static JsonObject Statement(string scope, IReadOnlyList<string> resources) => new()
    {
        ["Sid"] = NewSid(scope),
        ["Effect"] = "Allow",
        ["Principal"] = "*",
        ["Action"] = "s3:GetObject",
        ["Resource"] = resources.Count == 1 ? resources[0] : new JsonArray([.. resources.Select(resource => (JsonNode)resource)]),
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
