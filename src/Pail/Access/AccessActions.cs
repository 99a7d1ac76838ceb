namespace Pail.Access;

/// <summary>What rules allow and deny in a repository.</summary>
[Flags]
internal enum AccessActions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Reads manifests, blobs and referrers.</summary>
    Pull = 1,

    /// <summary>Writes blobs, manifests and tags.</summary>
    Push = 2,

    /// <summary>Removes tags, manifests and blobs.</summary>
    Delete = 4,

    /// <summary>Lists the repository and its tags.</summary>
    List = 8,

    /// <summary>All of these, and whatever else there is to administer.</summary>
    Admin = 16,
}

/// <summary>Their words in rules and on the command line.</summary>
internal static class AccessWords
{
    /// <summary>All actions, in the order of the documentation.</summary>
    public static readonly string[] All = ["pull", "push", "delete", "list", "admin"];

    /// <summary>The action of a word; null if it is none.</summary>
    public static AccessActions? Read(string word) => Array.IndexOf(All, word) is var index and >= 0 ? (AccessActions)(1 << index) : null;

    /// <summary>The words of actions, separated by commas.</summary>
    public static string Of(AccessActions actions) => string.Join(", ", All.Where((_, index) => actions.HasFlag((AccessActions)(1 << index))));
}
