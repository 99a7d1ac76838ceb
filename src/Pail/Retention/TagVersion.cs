using System.Diagnostics.CodeAnalysis;
using Semver;

namespace Pail.Retention;

/// <summary>Reads tags as versions. Source: Semantic Versioning 2.0.0.</summary>
internal static class TagVersion
{
    /// <summary>
    /// Reads a full version, <c>1.2.3</c> or <c>v1.2.3-rc.1</c>; false for anything else. Tags such as <c>1.2</c> move from version to
    /// version and are none themselves. A tag can't hold the <c>+</c> of build metadata; Helm writes <c>_</c> for it.
    /// </summary>
    public static bool TryParse(string tag, [NotNullWhen(true)] out SemVersion? version) =>
        SemVersion.TryParse(tag.Replace('_', '+'), SemVersionStyles.AllowV, out version);
}
