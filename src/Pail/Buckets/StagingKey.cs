using System.Globalization;

namespace Pail.Buckets;

/// <summary>
/// Names the objects below <c>pail/uploads/</c>, where bytes wait that are no blob yet: the pieces of an upload session, or
/// what a client sent to the bucket itself. Only what parses as such a name was written by Pail.
/// <code>
/// pail/uploads/SESSION/INDEX-PARENT-OWN    a piece: 8 digits and two numbers of 16 hexadecimal digits
/// pail/uploads/SESSION/direct              an upload in parts sent by the client
/// </code>
/// SESSION has 32 lower-case hexadecimal digits.
/// </summary>
internal static class StagingKey
{
    /// <summary>What all of them begin with.</summary>
    public const string Prefix = "pail/uploads/";

    private const string Direct = "direct";
    private const int SessionLength = 32;
    private const int PieceLength = 8 + 1 + 16 + 1 + 16;

    /// <summary>What the keys of a session begin with.</summary>
    public static string PrefixOf(Guid session) => $"{Prefix}{session:n}/";

    /// <summary>The key of a piece.</summary>
    /// <param name="session">The session.</param>
    /// <param name="index">The place of the piece, from 0.</param>
    /// <param name="name">The name of the piece.</param>
    public static string OfPiece(Guid session, int index, PieceName name) => $"{PrefixOf(session)}{index:d8}-{name.Parent:x16}-{name.Own:x16}";

    /// <summary>The key of an upload that the client sends to the bucket itself.</summary>
    public static string OfDirect(Guid session) => PrefixOf(session) + Direct;

    /// <summary>Whether a key is one that this class makes.</summary>
    public static bool IsOne(string key) =>
        TrySplit(key, out var session, out var rest) && (rest == Direct || (TryReadPiece(key, out var index, out var name) && key == OfPiece(session, index, name)));

    /// <summary>Reads the key of a piece. False if it is none.</summary>
    public static bool TryReadPiece(string key, out int index, out PieceName name)
    {
        (index, name) = (0, default);
        if (!TrySplit(key, out _, out var rest) || rest.Length != PieceLength || rest[8] != '-' || rest[25] != '-')
            return false;
        if (!int.TryParse(rest.AsSpan(0, 8), NumberStyles.None, CultureInfo.InvariantCulture, out index)
            || !ulong.TryParse(rest.AsSpan(9, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var parent)
            || !ulong.TryParse(rest.AsSpan(26), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var own))
            return false;
        name = new(own, parent);
        return true;
    }

    private static bool TrySplit(string key, out Guid session, out string rest)
    {
        (session, rest) = (default, "");
        var end = Prefix.Length + SessionLength;
        if (key.Length <= end + 1 || !key.StartsWith(Prefix, StringComparison.Ordinal) || key[end] != '/' || !Guid.TryParseExact(key.AsSpan(Prefix.Length, SessionLength), "N", out session))
            return false;
        rest = key[(end + 1)..];
        return key.StartsWith(PrefixOf(session), StringComparison.Ordinal);
    }
}

/// <summary>What tells a piece from all others, even from one of the same place in the same session, and which one it follows.</summary>
/// <param name="Own">A random number, not 0.</param>
/// <param name="Parent">That of the piece before; 0 for the first.</param>
internal readonly record struct PieceName(ulong Own, ulong Parent);
