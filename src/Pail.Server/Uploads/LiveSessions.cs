using System.Security.Cryptography;
using Pail.Server.Caches;

namespace Pail.Server.Uploads;

/// <summary>
/// What this replica remembers of sessions it has seen. Nothing depends on it but comfort: a running hash saves reading
/// a blob back, and knowing how far a session got lets an old Location be refused. Bounded; what is forgotten is missed by nobody.
/// </summary>
internal sealed class LiveSessions
{
    private const int Capacity = 8192;

    private readonly BoundedCache<Guid, LiveSession> _sessions = new(Capacity, static _ => 1);

    /// <summary>What is remembered of a session, if anything.</summary>
    public LiveSession? Find(Guid id) => _sessions.TryGet(id, out var live) ? live : null;

    /// <summary>How many of those remembered have not ended, and were touched since a time.</summary>
    public int CountOpen(DateTimeOffset since) => _sessions.Count(live => !live.HasEnded && live.Session.Touched >= since);

    /// <summary>Remembers where a session is now.</summary>
    public void Set(UploadSession session, IncrementalHash? hash) => _sessions.Set(session.Id, new LiveSession(session, hash));

    /// <summary>Remembers that a session has ended.</summary>
    public void End(UploadSession session, bool cancelled) => _sessions.Set(session.Id, new LiveSession(session, null) { HasEnded = true, IsCancelled = cancelled });
}

/// <summary>A session as this replica saw it last.</summary>
/// <param name="Session">How far it got.</param>
/// <param name="Hash">The running hash of all its bytes; to be cloned, not changed. Null if this replica has not seen them all.</param>
internal sealed record LiveSession(UploadSession Session, IncrementalHash? Hash)
{
    /// <summary>
    /// The hash, if it is that of what the client's Location holds. Another replica may have gone on from an older one
    /// with other bytes.
    /// </summary>
    public IncrementalHash? HashOf(UploadSession session) => Session.HoldsSameAs(session) ? Hash : null;

    /// <summary>True if it was finished or given up.</summary>
    public bool HasEnded { get; init; }

    /// <summary>True if it was given up. One that was finished may be finished again: the answer may have been lost.</summary>
    public bool IsCancelled { get; init; }
}
