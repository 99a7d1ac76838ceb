using System.Text.Json.Nodes;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;

namespace Pail.S3;

/// <summary>What works with a bucket.</summary>
internal enum BucketRole
{
    /// <summary>Pulls, and lists tags and repositories.</summary>
    Reader,

    /// <summary>Pushes, tags and pulls.</summary>
    Pusher,

    /// <summary><c>pail serve</c>, with pushes and deletes.</summary>
    Server,

    /// <summary><c>pail gc</c>, <c>rm</c>, <c>undelete</c>, <c>rollback</c>.</summary>
    Collector,
}

/// <summary>A statement of a policy: actions on the bucket, or on objects of it.</summary>
/// <param name="Sid">Its name.</param>
/// <param name="Actions">What is allowed.</param>
/// <param name="Keys">Patterns of keys, without the prefix of the bucket's address; empty for the bucket itself.</param>
internal sealed record LeastStatement(string Sid, IReadOnlyList<string> Actions, IReadOnlyList<string> Keys);

/// <summary>The least that each role needs. docs/stores.md shows it; tests run Pail under it, and without each of its statements.</summary>
internal static class LeastPolicy
{
    private const string Own = "pail/*", Layers = "pail/layers/*", Uploads = "pail/uploads/*";

    private const string Get = "s3:GetObject", Put = "s3:PutObject", Delete = "s3:DeleteObject", List = "s3:ListBucket", ListUploads = "s3:ListBucketMultipartUploads";

    private static readonly string[] Parts = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

    /// <summary>The statements of a role.</summary>
    public static IReadOnlyList<LeastStatement> Of(BucketRole role, BucketLayout layout)
    {
        string[] images = [.. layout.Prefixes.Select(prefix => prefix + "*")];
        string[] holds = layout.SharesBlobs ? [Holds.Prefix + "*"] : [];
        return role switch
        {
            BucketRole.Reader =>
            [
                new("PailRead", [Get], [.. images, BucketSettings.Key]),
                new("PailList", [List], []),
            ],
            // Without the right to list, nor to write pail.json: who pushes can't change what the bucket is.
            BucketRole.Pusher =>
            [
                new("PailRead", [Get], [.. images, BucketSettings.Key, Layers, CollectKeys.Prefix + "*", .. holds]),
                new("PailWrite", [Put], [.. images, Layers, CollectKeys.Prefix + "round/*", .. holds]),
                new("PailParts", Parts, images),
            ],
            BucketRole.Server =>
            [
                new("PailRead", [Get], [.. images, BucketSettings.Key, Own]),
                new("PailWrite", [Put], [.. images, Own]),
                new("PailDelete", [Delete], [.. images, Uploads, EventObjects.Prefix + "*", .. holds]),
                new("PailParts", Parts, [.. images, Uploads]),
                new("PailList", [List], []),
                new("PailUploads", [ListUploads], []),
            ],
            BucketRole.Collector =>
            [
                new("PailRead", [Get], [.. images, BucketSettings.Key, Own]),
                new("PailWrite", [Put], [.. images, BucketSettings.Key, Own]),
                new("PailDelete", [Delete], [.. images, Own]),
                new("PailParts", [Parts[0]], [Uploads]),
                new("PailList", [List], []),
                new("PailUploads", [ListUploads], []),
            ],
            _ => throw new ArgumentOutOfRangeException(nameof(role), role, null),
        };
    }

    /// <summary>The policy of a user or role, as IAM takes it.</summary>
    /// <param name="statements">Its statements.</param>
    /// <param name="place">Where the bucket is.</param>
    /// <param name="bucket">The bucket.</param>
    /// <param name="prefix">The prefix of the bucket's address: empty, or ending in <c>/</c>. Listing is allowed below it alone.</param>
    public static JsonObject Write(IEnumerable<LeastStatement> statements, BucketPlace place, string bucket, string prefix) => new()
    {
        ["Version"] = "2012-10-17",
        ["Statement"] = new JsonArray([.. statements.Select(statement => Write(statement, place.IsAws, $"arn:{place.Partition}:s3:::{bucket}", prefix))]),
    };

    private static JsonObject Write(LeastStatement statement, bool isAws, string bucket, string prefix)
    {
        var written = new JsonObject { ["Sid"] = statement.Sid, ["Effect"] = "Allow", ["Action"] = OneOrList(statement.Actions) };
        if (statement.Keys.Count > 0)
        {
            var keys = statement.Keys.Select(key => $"{bucket}/{ArnPattern.Escape(prefix)}{key}");
            // Ceph RGW wants the right to DeleteObjects on the bucket, too, and on each object.
            written["Resource"] = OneOrList([.. isAws || !statement.Actions.Contains(Delete) ? keys : keys.Prepend(bucket)]);
            return written;
        }
        written["Resource"] = bucket;
        // A list of uploads has no such condition.
        if (prefix.Length > 0 && statement.Actions.Contains(List))
            written["Condition"] = new JsonObject { ["StringLike"] = new JsonObject { ["s3:prefix"] = $"{ArnPattern.Escape(prefix)}*" } };
        return written;
    }

    private static JsonNode OneOrList(IReadOnlyList<string> items) => items.Count == 1 ? items[0] : new JsonArray([.. items.Select(item => (JsonNode)item)]);
}
