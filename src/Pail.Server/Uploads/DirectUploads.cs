using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Access;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Routing;
using Pail.Server.Sealing;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Server.Uploads;

/// <summary>
/// Uploads whose bytes go from the client to the bucket, in parallel parts, by presigned addresses. docs/direct-upload.md
/// describes the requests. The parts become an object beside the blobs; only when that has been read back and has
/// the digest does the store copy it to where it is visible.
/// </summary>
internal sealed class DirectUploads(RegistryServices services, PathSeal seal, JoinedWork joined)
{
    private const int MaxAddresses = 100;
    private const int MaxBody = 4 << 20;
    private const int MaxETag = 256;
    private const long LargestPart = 5L << 30; // S3's limit
    private const string Root = "uploads";

    private readonly Staging _staging = new(services.Bucket.Staging);

    private StagingArea Staged => services.Bucket.Staging;

    /// <summary>Answers one of the extension's requests.</summary>
    public async Task<RegistryError?> AnswerAsync(HttpContext context, RegistryRoute.Direct route)
    {
        // Clients that are not redirected to the bucket can't reach it.
        if (services.Options.Redirect is not { } presigner)
            return RegistryError.NotFound;
        var method = context.Request.Method;
        if (route.Rest == Root)
            return method == "POST" ? await BeginAsync(context, route.Repository) : Refuse(context, "POST");
        if (!route.Rest.StartsWith(Root + "/", StringComparison.Ordinal))
            return RegistryError.NotFound;
        if (DirectSession.Open(seal, route.Rest[(Root.Length + 1)..], route.Repository) is not { } session || services.Time.GetUtcNow() - session.Started >= services.Options.UploadLifetime)
            return RegistryError.UploadUnknown;
        return method switch
        {
            "POST" => await AddressAsync(context, session, presigner),
            "PUT" => await FinishAsync(context, session),
            "DELETE" => await CancelAsync(context, session),
            _ => Refuse(context, "POST, PUT, DELETE"),
        };
    }

    private async Task<RegistryError?> BeginAsync(HttpContext context, RepositoryName repository)
    {
        if (await ReadAsync(context, DirectJson.Default.DirectWish) is not { Size: >= 0 } wish)
            return RegistryError.BadRequest;
        if (!Digest.TryParse(wish.Digest, out var digest))
            return RegistryError.DigestInvalid.About(wish.Digest);
        if (Visitor.MayPull(context, repository) && await services.Border.HoldsAsync(repository, digest, context.RequestAborted) && await IsThereAsync(repository, digest, wish.Size, context.RequestAborted))
            return await OfferAsync(context, new("present"));
        if (services.Bucket.IsWrittenWhole(wish.Size))
            return await OfferAsync(context, new("send"));
        var id = Guid.NewGuid();
        var upload = await Staged.BeginUploadAsync(StagingKey.OfDirect(id), context.RequestAborted);
        var blob = new Descriptor(MediaTypes.OctetStream, digest, wish.Size) { DiffId = Digest.TryParse(wish.DiffId, out var diffId) ? diffId : null };
        var session = new DirectSession(id, repository, blob, upload.Id, services.Time.GetUtcNow());
        return await OfferAsync(context, new("parts") { Session = $"/v2/{repository}/_pail/{Root}/{session.Seal(seal)}" });
    }

    private async Task<RegistryError?> AddressAsync(HttpContext context, DirectSession session, IPresigner presigner)
    {
        if (!int.TryParse(context.Request.Query["first"], NumberStyles.None, null, out var first) || !int.TryParse(context.Request.Query["count"], NumberStyles.None, null, out var count)
            || first is < 1 or > PartPlan.MaximumParts || count is < 1 or > MaxAddresses)
            return RegistryError.BadRequest.About($"first from 1 to {PartPlan.MaximumParts} and count from 1 to {MaxAddresses} are expected");
        var last = Math.Min(first + count - 1, PartPlan.MaximumParts);
        var lifetime = services.Options.SignedLifetime;
        var urls = Enumerable.Range(first, last - first + 1).Select(number => presigner.PresignUploadPart(session.Upload, number, lifetime).AbsoluteUri);
        await WriteAsync(context, new([.. urls], (int)lifetime.TotalSeconds), DirectJson.Default.DirectAddresses);
        return null;
    }

    private async Task<RegistryError?> FinishAsync(HttpContext context, DirectSession session)
    {
        if (await ReadAsync(context, DirectJson.Default.DirectParts) is not { Parts: { Count: > 0 and <= PartPlan.MaximumParts } parts } || parts.Any(part => part is not { Etag: { Length: <= MaxETag } etag, Size: >= 0 and <= LargestPart } || !IsETag(etag)))
            return RegistryError.BadRequest;
        if (parts.Sum(part => part.Size) != session.Blob.Size)
            return RegistryError.SizeInvalid;
        var round = services.Blobs.Round;
        try
        {
            var uploaded = parts.Select((part, index) => new UploadedPart(index + 1, part.Etag!.Trim('"'), part.Size)).ToList();
            if (!await Staged.CompleteUploadAsync(session.Upload, uploaded, context.RequestAborted))
                return RegistryError.UploadInvalid.About("the bucket does not have these parts");
            await VerifyAsync(session, context.RequestAborted);
            if (!await PublishAsync(session))
                return RegistryError.UploadUnknown;
        }
        catch (MissingObjectException)
        {
            // Another request for the same, whose answer was lost, has finished it meanwhile; or it was swept, or cancelled. That another repository has the blob proves nothing.
            if (!await services.Border.HoldsAsync(session.Repository, session.Blob.Digest, context.RequestAborted) || !await IsThereAsync(session.Repository, session.Blob.Digest, session.Blob.Size, context.RequestAborted))
                return RegistryError.UploadUnknown;
        }
        services.Blobs.RecordStored(session.Repository, session.Blob.Digest, session.Blob.Size, round);
        await services.Border.AddAsync(session.Repository, session.Blob.Digest, context.RequestAborted);
        Answers.Created(context.Response, services.Locate(context, $"/v2/{session.Repository}/blobs/{session.Blob.Digest}"), session.Blob.Digest);
        return null;
    }

    private async Task<bool> IsThereAsync(RepositoryName repository, Digest digest, long size, CancellationToken cancel) =>
        (await services.Bucket.Repository(repository).Blobs.FindAsync(digest, cancel))?.Size == size;

    // Nobody can change the object any more: its key is written by this one upload, which is complete.
    private async Task VerifyAsync(DirectSession session, CancellationToken cancel)
    {
        try
        {
            await SessionCloser.VerifyAsync(Staged.Open(PieceOf(session)), session.Blob, cancel);
        }
        catch (RegistryException)
        {
            await _staging.TryRemoveAsync(session.Upload.Key);
            throw;
        }
    }

    private async Task<bool> PublishAsync(DirectSession session)
    {
        var blobs = services.Bucket.Repository(session.Repository).Blobs;
        var copied = await joined.RunAsync(blobs.IdentityOf(session.Blob.Digest), () => blobs.AssembleAsync(PieceOf(session), session.Blob, CancellationToken.None));
        if (copied)
            await _staging.TryRemoveAsync(session.Upload.Key);
        return copied;
    }

    private async Task<RegistryError?> CancelAsync(HttpContext context, DirectSession session)
    {
        await Staged.CancelUploadAsync(session.Upload, context.RequestAborted);
        Answers.Empty(context.Response, StatusCodes.Status204NoContent);
        return null;
    }

    private static (string Key, long Size)[] PieceOf(DirectSession session) => [(session.Upload.Key, session.Blob.Size)];

    // Source: RFC 9110, 8.8.3, but for what is not ASCII.
    private static bool IsETag(string text) => text.Trim('"') is { Length: > 0 } tag && tag.All(letter => letter is > ' ' and < (char)127 and not '"');

    private static RegistryError Refuse(HttpContext context, string allowed)
    {
        context.Response.Headers.Allow = allowed;
        return RegistryError.MethodNotAllowed;
    }

    private static async Task<RegistryError?> OfferAsync(HttpContext context, DirectOffer offer)
    {
        await WriteAsync(context, offer, DirectJson.Default.DirectOffer);
        return null;
    }

    private static Task WriteAsync<T>(HttpContext context, T answer, JsonTypeInfo<T> type) =>
        Answers.BodyAsync(context, HeaderValues.Json, JsonSerializer.SerializeToUtf8Bytes(answer, type));

    private static async Task<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = MaxBody;
        try
        {
            return await JsonSerializer.DeserializeAsync(context.Request.Body, type, context.RequestAborted);
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
