using System.Globalization;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Server.Uploads;

/// <summary>
/// Where bytes wait whose digest is not known yet: under <c>uploads/SESSION/</c>, in pieces, one for each request that
/// brought many. The key of a piece is random and written once, so what was hashed is what will be copied, however
/// often an old Location is used again; and it names the piece before, so that the last one leads to all.
/// </summary>
internal sealed class Staging(IObjectStore store, Retry retry)
{
    /// <summary>What all keys begin with.</summary>
    public const string Prefix = "uploads/";

    /// <summary>What pieces are stored as.</summary>
    public static readonly ObjectHeaders Headers = new(MediaTypes.OctetStream, "no-store");

    /// <summary>The least a piece must have to be followed by another: S3's least for a part.</summary>
    public const int LeastPiece = 5 << 20;

    /// <summary>The key of a piece.</summary>
    /// <param name="session">Whose.</param>
    /// <param name="index">Its place, from 0.</param>
    /// <param name="name">Its name.</param>
    public static string KeyOf(Guid session, int index, PieceName name) => $"{PrefixOf(session)}{index:d8}-{name.Parent:x16}-{name.Own:x16}";

    /// <summary>The last piece of a session.</summary>
    public static string LastKeyOf(UploadSession session) => KeyOf(session.Id, session.Pieces - 1, session.Last);

    /// <summary>The pieces of a session in order. One LIST if there are several.</summary>
    /// <returns>Null if some are missing: swept, or removed with the session.</returns>
    public async Task<IReadOnlyList<(string Key, long Size)>?> PiecesOfAsync(UploadSession session, CancellationToken cancel)
    {
        if (session.Pieces == 1)
            return [(LastKeyOf(session), session.Size)];
        var there = new Dictionary<(int Index, ulong Own), (ulong Parent, ObjectEntry Entry)>();
        await foreach (var entry in ListAsync(session.Id, cancel))
            if (TryRead(entry.Key, out var index, out var name))
                there[(index, name.Own)] = (name.Parent, entry);
        var pieces = new (string, long)[session.Pieces];
        var own = session.Last.Own;
        for (var index = session.Pieces - 1; index >= 0; index--)
        {
            if (!there.TryGetValue((index, own), out var piece))
                return null;
            pieces[index] = (piece.Entry.Key, piece.Entry.Size);
            own = piece.Parent;
        }
        return pieces;
    }

    /// <summary>Removes all a session has staged: one DELETE where that is one object, which is the rule; else a LIST more.</summary>
    public async Task RemoveAsync(UploadSession session, CancellationToken cancel)
    {
        if (session.Staged == 0)
            return;
        if (session is { Staged: 1, Pieces: 1 })
        {
            await RemoveAsync(LastKeyOf(session), cancel);
            return;
        }
        await foreach (var entry in ListAsync(session.Id, cancel))
            await RemoveAsync(entry.Key, cancel);
    }

    /// <summary>Removes all a finished session has staged. What can't be removed now is swept later.</summary>
    public async Task TryRemoveAsync(UploadSession session)
    {
        try
        {
            await RemoveAsync(session, CancellationToken.None);
        }
        catch (StoreException)
        {
        }
    }

    /// <summary>Removes one object, or leaves that to the sweeper.</summary>
    public async Task TryRemoveAsync(string key)
    {
        try
        {
            await RemoveAsync(key, CancellationToken.None);
        }
        catch (StoreException)
        {
        }
    }

    private Task RemoveAsync(string key, CancellationToken cancel) => retry.RunAsync(token => store.DeleteAsync(key, token), cancel);

    private static string PrefixOf(Guid session) => $"{Prefix}{session:n}/";

    private static bool TryRead(string key, out int index, out PieceName name)
    {
        name = default;
        var parts = key[(key.LastIndexOf('/') + 1)..].Split('-');
        var valid = int.TryParse(parts[0], NumberStyles.None, null, out index) & parts.Length == 3;
        if (!valid || !ulong.TryParse(parts[1], NumberStyles.AllowHexSpecifier, null, out var parent) || !ulong.TryParse(parts[2], NumberStyles.AllowHexSpecifier, null, out var own))
            return false;
        name = new(own, parent);
        return true;
    }

    private async IAsyncEnumerable<ObjectEntry> ListAsync(Guid session, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        for (ListQuery? query = new(PrefixOf(session)); query is not null;)
        {
            var asked = query;
            var page = await retry.RunAsync(token => store.ListAsync(asked, token), cancel);
            foreach (var entry in page.Objects)
                yield return entry;
            query = page.Continuation is null ? null : query with { Continuation = page.Continuation };
        }
    }
}
