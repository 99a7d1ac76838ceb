using Pail.Export;

namespace Pail.Compare;

/// <summary>What is compared of a file. When it was changed is not.</summary>
/// <param name="Size">How many bytes it has.</param>
/// <param name="Type">Its type, as tar has it.</param>
/// <param name="Target">Where a symbolic link leads; the numbers of a device.</param>
/// <param name="Hash">What <see cref="ContentHash"/> makes of its content.</param>
/// <param name="Mode">Its permissions.</param>
/// <param name="Owner">The numbers of its user and group.</param>
/// <param name="Attributes">A hash of its extended attributes; 0 if it has none.</param>
internal sealed record FileFacts(long Size, char Type, string Target, (UInt128, UInt128) Hash, int Mode, (long User, long Group) Owner, UInt128 Attributes) : RootFile(-1, (0, 0), 0, Size, Type, Target)
{
    private const char Link = '2';

    /// <summary>What it says of packages, if it is a database of them.</summary>
    public PackageFile? Packages { get; init; }

    /// <summary>What of it is another in a file of the same name; empty if nothing is.</summary>
    public IReadOnlyList<string> Differences(FileFacts other)
    {
        if (Type != other.Type)
            return ["type"];
        List<string> what = [];
        if (Hash != other.Hash || Size != other.Size)
            what.Add("content");
        if (Target != other.Target)
            what.Add(Type == Link ? "link" : "device");
        // Linux keeps no permissions for links, and builders write different ones.
        if (Mode != other.Mode && Type != Link)
            what.Add("mode");
        if (Owner != other.Owner)
            what.Add("owner");
        if (Attributes != other.Attributes)
            what.Add("attributes");
        return what;
    }
}
