using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Routing;
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

    private readonly Staging _staging = new(services.Registry.Store, services.Registry.Engine.Retry);

    private TransferEngine Engine => services.Registry.Engine;

    private IObjectStore Store => services.Registry.Store;

    /// <summary>Answers one of the extension's requests.</summary>
    public async Task<RegistryError?> AnswerAsync(HttpContext context, RegistryRoute.Direct route)
    {
        // Who may not be redirected to the bucket can't reach it either.
        if (services.Options.Redirect is not { } presigner || Store is not IServerSideCopy copier)
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
            "PUT" => await FinishAsync(context, session, copier),
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
        if (await services.Registry.StatBlobAsync(repository, digest, context.RequestAborted) == wish.Size)
            return await OfferAsync(context, new("present"));
        if (wish.Size <= Engine.Options.SinglePutLimit)
            return await OfferAsync(context, new("send"));
        var id = Guid.NewGuid();
        var upload = await Engine.Retry.RunAsync(token => Store.CreateUploadAsync(DirectSession.KeyOf(id), Staging.Headers, token), context.RequestAborted);
        var session = new DirectSession(id, repository, new Descriptor(MediaTypes.OctetStream, digest, wish.Size), upload, services.Time.GetUtcNow());
        return await OfferAsync(context, new("parts") { Session = $"/v2/{repository}/_pail/{Root}/{session.Seal(seal)}" });
    }

    private async Task<RegistryError?> AddressAsync(HttpContext context, DirectSession session, IPresigner presigner)
    {
        if (!int.TryParse(context.Request.Query["first"], NumberStyles.None, null, out var first) || !int.TryParse(context.Request.Query["count"], NumberStyles.None, null, out var count)
            || first is < 1 or > PartPlan.MaximumParts || count is < 1 or > MaxAddresses)
            return RegistryError.BadRequest.About($"first from 1 to {PartPlan.MaximumParts} and count from 1 to {MaxAddresses} are expected");
        var last = Math.Min(first + count - 1, PartPlan.MaximumParts);
        var lifetime = services.Options.RedirectLifetime;
        var urls = Enumerable.Range(first, last - first + 1).Select(number => presigner.PresignUploadPart(session.Upload, number, lifetime).AbsoluteUri);
        await WriteAsync(context, new([.. urls], (int)lifetime.TotalSeconds), DirectJson.Default.DirectAddresses);
        return null;
    }

    private async Task<RegistryError?> FinishAsync(HttpContext context, DirectSession session, IServerSideCopy copier)
    {
        if (await ReadAsync(context, DirectJson.Default.DirectParts) is not { Parts: { Count: > 0 and <= PartPlan.MaximumParts } parts } || parts.Any(part => part is not { Etag: { Length: <= MaxETag } etag, Size: >= 0 and <= LargestPart } || !IsETag(etag)))
            return RegistryError.BadRequest;
        if (parts.Sum(part => part.Size) != session.Blob.Size)
            return RegistryError.SizeInvalid;
        try
        {
            if (await CompleteAsync(session, parts, context.RequestAborted) is { } error)
                return error;
            await VerifyAsync(session, context.RequestAborted);
            if (!await PublishAsync(session, copier))
                return RegistryError.UploadUnknown;
        }
        catch (PailException e) when (e is { Failure: Failure.NotFound } and not StoreException)
        {
            // Another request for the same, whose answer was lost, has finished it meanwhile; or it was swept.
            if (await services.Registry.StatBlobAsync(session.Repository, session.Blob.Digest, context.RequestAborted) != session.Blob.Size)
                return RegistryError.UploadUnknown;
        }
        services.Blobs.RecordStored(session.Repository, session.Blob.Digest, session.Blob.Size);
        Answers.Created(context.Response, services.Locate(context, $"/v2/{session.Repository}/blobs/{session.Blob.Digest}"), session.Blob.Digest);
        return null;
    }

    private async Task<RegistryError?> CompleteAsync(DirectSession session, IReadOnlyList<DirectPart> parts, CancellationToken cancel)
    {
        var uploaded = parts.Select((part, index) => new UploadedPart(index + 1, part.Etag!.Trim('"'), part.Size)).ToList();
        try
        {
            await Engine.Retry.RunAsync(token => Store.CompleteUploadAsync(session.Upload, uploaded, token), cancel);
            return null;
        }
        catch (StoreException e) when (!e.IsTransient)
        {
            // Completed before, perhaps: then the object is there, or has become the blob already.
            if (await Engine.Retry.RunAsync(token => Store.HeadAsync(session.Upload.Key, token), cancel) is not null || e.Error == StoreError.NoSuchUpload)
                return null;
            return RegistryError.UploadInvalid.About("the bucket does not have these parts");
        }
    }

    // Nobody can change the object any more: its key is written by this one upload, which is complete.
    private async Task VerifyAsync(DirectSession session, CancellationToken cancel)
    {
        await using var stream = new VerifyingStream(Engine.OpenRead(Store, session.Upload.Key, session.Blob.Size), session.Blob);
        try
        {
            await stream.CopyToAsync(Stream.Null, cancel);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            await _staging.TryRemoveAsync(session.Upload.Key);
            throw new RegistryException(RegistryError.DigestInvalid.About(session.Blob.Digest.ToString()), e);
        }
    }

    private async Task<bool> PublishAsync(DirectSession session, IServerSideCopy copier)
    {
        var key = services.Registry.Layout.BlobKey(session.Repository, session.Blob.Digest);
        var copied = await joined.RunAsync(
            key,
            () => Engine.CopyAsync(Store, copier, [(session.Upload.Key, session.Blob.Size)], key, services.Registry.Layout.BlobHeaders, CancellationToken.None));
        if (copied)
            await _staging.TryRemoveAsync(session.Upload.Key);
        return copied;
    }

    private async Task<RegistryError?> CancelAsync(HttpContext context, DirectSession session)
    {
        await Engine.Retry.RunAsync(token => Store.AbortUploadAsync(session.Upload, token), context.RequestAborted);
        await _staging.TryRemoveAsync(session.Upload.Key);
        Answers.Empty(context.Response, StatusCodes.Status204NoContent);
        return null;
    }

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
