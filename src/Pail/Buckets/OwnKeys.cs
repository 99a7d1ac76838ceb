using Pail.Buckets.Collecting;

namespace Pail.Buckets;

/// <summary>Small objects below <c>pail/</c> that belong to no image.</summary>
internal static class OwnKeys
{
    /// <summary>What the keys of the audit trail of servers begin with.</summary>
    public const string Audit = "pail/audit/";

    private static readonly string[] Prefixes = [CollectKeys.Prefix, TagClaim.Prefix, "pail/probe/", "pail/edge/", AccessFile.Key, Holds.Prefix, RobotFile.Prefix, Audit];

    /// <summary>Whether a key is one of them.</summary>
    public static bool Contains(string key) => key.StartsWith("pail/", StringComparison.Ordinal) && Array.Exists(Prefixes, prefix => key.StartsWith(prefix, StringComparison.Ordinal));
}
