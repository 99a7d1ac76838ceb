using Pail.Buckets.Collecting;

namespace Pail.Buckets;

/// <summary>Small objects below <c>pail/</c> that belong to no image.</summary>
internal static class OwnKeys
{
    private static readonly string[] Prefixes = [CollectKeys.Prefix, TagClaim.Prefix, "pail/probe/", "pail/edge/", AccessFile.Key, Holds.Prefix, RobotFile.Prefix, AuditObjects.Prefix, EventObjects.Prefix];

    /// <summary>Whether a key is one of them.</summary>
    public static bool Contains(string key) => key.StartsWith("pail/", StringComparison.Ordinal) && Array.Exists(Prefixes, prefix => key.StartsWith(prefix, StringComparison.Ordinal));
}
