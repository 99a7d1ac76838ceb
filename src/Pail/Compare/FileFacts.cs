using Pail.Export;

namespace Pail.Compare;

/// <summary>What is compared of a file.</summary>
/// <param name="Size">How many bytes it has.</param>
/// <param name="Type">Its type, as tar has it.</param>
/// <param name="Target">Where a link leads.</param>
/// <param name="Hash">The SHA-256 of a file's content, in two halves.</param>
/// <param name="Mode">Its permissions.</param>
/// <param name="Owner">The numbers of its user and group.</param>
internal sealed record FileFacts(long Size, char Type, string Target, (UInt128, UInt128) Hash, long Mode, (long User, long Group) Owner) : RootFile(-1, (0, 0), 0, Size, Type, Target)
{
    /// <summary>What it says of packages, if it is a database of them.</summary>
    public PackageFile? Packages { get; init; }

    /// <summary>What of it is another in a file of the same name; empty if nothing is.</summary>
    public string Differences(FileFacts other)
    {
        if (Type != other.Type)
            return "type";
        List<string> what = [];
        if (Hash != other.Hash || Size != other.Size)
            what.Add("content");
        if (Target != other.Target)
            what.Add("link");
        if (Mode != other.Mode)
            what.Add("mode");
        if (Owner != other.Owner)
            what.Add("owner");
        return string.Join(", ", what);
    }
}
