using Pail.Buckets;
using Pail.Stores;

namespace Pail.Server.Uploads;

/// <summary>
/// Where bytes wait whose digest is not known yet: under <c>pail/uploads/SESSION/</c>, in pieces, one for each request that
/// brought many. The key of a piece is random and written once, so what was hashed is what will be copied, however
/// often an old Location is used again; and it names the piece before, so that the last one leads to all.
/// </summary>
internal sealed class Staging(StagingArea area)
{
    /// <summary>The least a piece must have to be followed by another: S3's least for a part.</summary>
    public const int LeastPiece = 5 << 20;

    /// <summary>The last piece of a session.</summary>
    public static string LastKeyOf(UploadSession session) => StagingKey.OfPiece(session.Id, session.Pieces - 1, session.Last);

    /// <summary>The pieces of a session in order. One LIST if there are several; where listing is denied, one HEAD for each but the last.</summary>
    /// <returns>Null if some are missing: swept, or removed with the session.</returns>
    public async Task<IReadOnlyList<(string Key, long Size)>?> PiecesOfAsync(UploadSession session, CancellationToken cancel)
    {
        if (session.Pieces == 1)
            return [(LastKeyOf(session), session.Size)];
        try
        {
            return await ListedAsync(session, cancel);
        }
        catch (StoreException e) when (e.Error == StoreError.AccessDenied)
        {
            return await FollowedAsync(session, cancel);
        }
    }

    // From the last one back: the session names two, and each piece says what the one before it follows.
    private async Task<IReadOnlyList<(string Key, long Size)>?> FollowedAsync(UploadSession session, CancellationToken cancel)
    {
        var pieces = new (string, long)[session.Pieces];
        pieces[^1] = (LastKeyOf(session), session.LastSize);
        var (name, before) = (session.Last, session.Before);
        for (var index = session.Pieces - 2; index >= 0; index--)
        {
            name = new(name.Parent, before);
            var key = StagingKey.OfPiece(session.Id, index, name);
            if (await area.FindAsync(key, cancel) is not var (size, next))
                return null;
            (pieces[index], before) = ((key, size), next);
        }
        return pieces;
    }

    private async Task<IReadOnlyList<(string Key, long Size)>?> ListedAsync(UploadSession session, CancellationToken cancel)
    {
        var there = new Dictionary<(int Index, ulong Own), (ulong Parent, ObjectEntry Entry)>();
        await foreach (var entry in area.ListAsync(session.Id, cancel))
            if (StagingKey.TryReadPiece(entry.Key, out var index, out var name))
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
            await area.DeleteAsync(LastKeyOf(session), cancel);
            return;
        }
        try
        {
            await foreach (var entry in area.ListAsync(session.Id, cancel))
                await area.DeleteAsync(entry.Key, cancel);
        }
        catch (StoreException e) when (e.Error == StoreError.AccessDenied)
        {
            // Without those that were replaced, which a lifecycle rule removes.
            foreach (var (key, _) in await FollowedAsync(session, cancel) ?? [])
                await area.DeleteAsync(key, cancel);
        }
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
            await area.DeleteAsync(key, CancellationToken.None);
        }
        catch (StoreException)
        {
        }
    }
}
