using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Routing;
using Pail.Server.Sealing;
using Pail.Stores;

namespace Pail.Server.Uploads;

/// <summary>
/// Upload sessions. Each method answers the request and returns null, or returns what is wrong and has answered nothing.
/// Source: OCI distribution-spec, "Push"; Docker Registry HTTP API V2, "Pushing an image".
/// </summary>
internal sealed class UploadHandlers
{
    // Of a request that ends an upload: the digest of the tar that a layer was compressed from. docs/direct-upload.md
    private const string DiffIdHeader = "Pail-Diff-Id";

    private readonly RegistryServices _services;
    private readonly SessionSeal _seal;
    private readonly LiveSessions _live;
    private readonly Staging _staging;
    private readonly BlobReceiver _receiver;
    private readonly SessionAppender _appender;
    private readonly SessionCloser _closer;
    private readonly BlobMount _mount;
    private readonly DirectUploads _direct;

    public UploadHandlers(RegistryServices services)
    {
        var joined = new JoinedWork();
        _services = services;
        _live = services.Sessions;
        var seal = new PathSeal("pail upload session", services.Options.Secrets);
        _seal = new SessionSeal(seal, services.Options.UploadLifetime, services.Time);
        _direct = new DirectUploads(services, seal, joined);
        _staging = new Staging(services.Bucket.Staging);
        _receiver = new BlobReceiver(services, joined);
        _appender = new SessionAppender(services, _receiver);
        _closer = new SessionCloser(services, _appender, _receiver, _staging, joined);
        _mount = new BlobMount(services, joined);
    }

    /// <summary>POST <c>/v2/REPO/blobs/uploads/</c>, with or without <c>digest</c>, <c>mount</c> and <c>from</c>.</summary>
    public async Task<RegistryError?> StartAsync(HttpContext context, RegistryRoute.Uploads route)
    {
        // So that what is stored and found from here on counts for the manifest that comes last.
        await _services.BeginAsync(route.Repository, context);
        var query = context.Request.Query;
        if (query.TryGetValue("digest", out var stated))
        {
            if (!Digest.TryParse(stated, out var digest))
                return RegistryError.DigestInvalid.About(stated);
            await _receiver.ReceiveAsync(route.Repository, Blob(context, digest), [context.Request.BodyReader], context.Request.ContentLength, context.RequestAborted);
            return await CreatedAsync(context, route.Repository, digest);
        }
        if (query.TryGetValue("mount", out var wanted))
        {
            if (!Digest.TryParse(wanted, out var digest))
                return RegistryError.DigestInvalid.About(wanted);
            if (await _mount.TryAsync(context, route.Repository, digest, query["from"], context.RequestAborted))
                return await CreatedAsync(context, route.Repository, digest);
        }
        if (!TryReadAlgorithm(query["digest-algorithm"], out var algorithm))
            return RegistryError.DigestInvalid.About(query["digest-algorithm"]);
        return Accepted(context, new UploadSession(Guid.NewGuid(), route.Repository, algorithm, _services.Time.GetUtcNow()));
    }

    /// <summary>PATCH: a chunk, or a stream.</summary>
    public Task<RegistryError?> AppendAsync(HttpContext context, RegistryRoute.Upload route) => GuardAsync(async () =>
    {
        if (Find(route) is not var (session, live) || live is { HasEnded: true })
            return RegistryError.UploadUnknown;
        if (CheckPlace(context, session, live) is { } wrong)
            return wrong;
        var length = ContentRange.LengthOf(context.Request);
        var (extended, hash) = await _appender.AppendAsync(session, live?.HashOf(session), context.Request.BodyReader, length, context.RequestAborted);
        // The same may have been sent twice at once, and the other was faster.
        if (_live.Find(session.Id) is { } now && now.Session.Size > session.Size)
            return OutOfPlace(context, now.Session);
        _live.Set(extended, hash);
        return Accepted(context, extended);
    });

    /// <summary>PUT <c>?digest=</c>: the end, with the last bytes or without.</summary>
    public Task<RegistryError?> FinishAsync(HttpContext context, RegistryRoute.Upload route) => GuardAsync(async () =>
    {
        if (Find(route) is not var (session, live) || live is { IsCancelled: true })
            return RegistryError.UploadUnknown;
        if (!Digest.TryParse(context.Request.Query["digest"], out var digest))
            return RegistryError.DigestInvalid.About(context.Request.Query["digest"]);
        if (CheckPlace(context, session, live) is { } wrong)
            return wrong;
        if (await RequestBody.IsEmptyAsync(context.Request.BodyReader, context.RequestAborted) && session.Size > 0)
            await _closer.CloseAsync(session, Blob(context, digest), context.RequestAborted);
        else
            session = await FinishWithBodyAsync(context, session, live, digest);
        _live.End(session, cancelled: false);
        await _staging.TryRemoveAsync(session);
        return await CreatedAsync(context, route.Repository, digest);
    });

    /// <summary>GET: how far it got.</summary>
    public Task<RegistryError?> StatusAsync(HttpContext context, RegistryRoute.Upload route)
    {
        if (Find(route) is not var (session, live) || live is { HasEnded: true })
            return Task.FromResult<RegistryError?>(RegistryError.UploadUnknown);
        Describe(context, live?.Session.Size > session.Size ? live.Session : session);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.FromResult<RegistryError?>(null);
    }

    /// <summary>DELETE: it is given up.</summary>
    public async Task<RegistryError?> CancelAsync(HttpContext context, RegistryRoute.Upload route)
    {
        if (Find(route) is not var (session, live) || live is { HasEnded: true })
            return RegistryError.UploadUnknown;
        session = live?.Session.Size > session.Size ? live.Session : session;
        _live.End(session, cancelled: true);
        await _staging.RemoveAsync(session, context.RequestAborted);
        context.Response.Headers["Docker-Upload-UUID"] = session.Id.ToString();
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return null;
    }

    /// <summary>Anything under <c>/v2/REPO/_pail/</c>.</summary>
    public Task<RegistryError?> DirectAsync(HttpContext context, RegistryRoute.Direct route) => _direct.AnswerAsync(context, route);

    // What a session wrote may be gone: swept, or deleted. Then it can't go on, and the client has to begin anew.
    private static async Task<RegistryError?> GuardAsync(Func<Task<RegistryError?>> answer)
    {
        try
        {
            return await answer();
        }
        catch (MissingObjectException)
        {
            return RegistryError.UploadUnknown;
        }
    }

    private async Task<UploadSession> FinishWithBodyAsync(HttpContext context, UploadSession session, LiveSession? live, Digest digest)
    {
        var (body, length) = (context.Request.BodyReader, ContentRange.LengthOf(context.Request));
        if (session.Pieces > 0)
        {
            (session, var hash) = await _appender.AppendAsync(session, live?.HashOf(session), body, length, context.RequestAborted);
            hash?.Dispose();
            await _closer.CloseAsync(session, Blob(context, digest), context.RequestAborted);
            return session;
        }
        await using var before = session.Size > 0 ? _appender.OpenSmall(session) : null;
        PipeReader[] bodies = before is null ? [body] : [PipeReader.Create(before), body];
        await _receiver.ReceiveAsync(session.Repository, Blob(context, digest), bodies, session.Size + length, context.RequestAborted);
        return session;
    }

    // What `pail push` says of a layer that it compressed goes into the blob's metadata, as where it writes to the bucket itself.
    private static Descriptor Blob(HttpContext context, Digest digest) =>
        new(MediaTypes.OctetStream, digest, 0) { DiffId = Digest.TryParse(context.Request.Headers[DiffIdHeader], out var diffId) ? diffId : null };

    private static bool TryReadAlgorithm(string? name, out DigestAlgorithm algorithm)
    {
        algorithm = name == "sha512" ? DigestAlgorithm.Sha512 : DigestAlgorithm.Sha256;
        return name is null or "sha256" or "sha512";
    }

    private (UploadSession Session, LiveSession? Live)? Find(RegistryRoute.Upload route) =>
        _seal.Open(route.Session, route.Repository) is { } session ? (session, _live.Find(session.Id)) : null;

    // An older Location of a session that went on is refused if this replica knows; if it doesn't, the session goes on from
    // there as if what came since had not come. A chunk must begin where the session ends.
    private RegistryError? CheckPlace(HttpContext context, UploadSession session, LiveSession? live)
    {
        if (live is { HasEnded: false } && live.Session.Size > session.Size)
            return OutOfPlace(context, live.Session);
        if (!ContentRange.TryRead(context.Request, out var range))
            return RegistryError.UploadInvalid.About(context.Request.Headers.ContentRange);
        return range is { } chunk && chunk.First != session.Size ? OutOfPlace(context, session) : null;
    }

    private RegistryError OutOfPlace(HttpContext context, UploadSession session)
    {
        Describe(context, session);
        return RegistryError.RangeInvalid.About($"the upload goes on at byte {session.Size}");
    }

    private RegistryError? Accepted(HttpContext context, UploadSession session)
    {
        Describe(context, session);
        Answers.Empty(context.Response, StatusCodes.Status202Accepted);
        return null;
    }

    private async Task<RegistryError?> CreatedAsync(HttpContext context, RepositoryName repository, Digest digest)
    {
        await _services.Border.AddAsync(repository, digest, context.RequestAborted);
        Answers.Created(context.Response, _services.Locate(context, $"/v2/{repository}/blobs/{digest}"), digest);
        return null;
    }

    private void Describe(HttpContext context, UploadSession session)
    {
        var headers = context.Response.Headers;
        headers.Location = _services.Locate(context, $"/v2/{session.Repository}/blobs/uploads/{_seal.Seal(session)}");
        headers.Range = ContentRange.Received(session.Size);
        headers["Docker-Upload-UUID"] = session.Id.ToString();
        headers["OCI-Chunk-Min-Length"] = Staging.LeastPiece.ToString();
    }
}
