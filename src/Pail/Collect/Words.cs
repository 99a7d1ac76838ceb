using Pail.Buckets.Layouts;

namespace Pail.Collect;

/// <summary>What objects are called in reports.</summary>
internal static class Words
{
    public const string Uploads = "uploads", Pointers = "pointers";

    public static string Of(Node node) => node switch
    {
        { Kind: KeyKind.Tag or KeyKind.TagCompanion } => "tags",
        { IsManifest: true } => "manifests",
        { Kind: KeyKind.Referrers } => "lists",
        { Kind: KeyKind.Removed } => "removed",
        _ => "blobs",
    };
}
