using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Routing;
using Pail.Stores;

namespace Pail.Server.Blobs;

/// <summary>
/// Passes a blob's bytes from the bucket to the client: one GET, whose bytes are received into the memory they are sent
/// from. A connection to the bucket that breaks is taken up again where it broke.
/// </summary>
internal sealed class BlobStream(RegistryServices services)
{
    private const int ChunkSize = 128 << 10;

    /// <summary>Sends a blob or a part of it. An error, and nothing sent, if there is none.</summary>
    public async Task<RegistryError?> SendAsync(HttpContext context, RegistryRoute.Blob route, RangeAnswer? range)
    {
        var cancel = context.RequestAborted;
        ByteRange? first = range is { } part ? ByteRange.Of(part.First, part.Length) : null;
        var removals = services.Blobs.Removals;
        if (await services.Bucket.Repository(route.Repository).Blobs.GetAsync(route.Digest, first, cancel) is not { } content)
        {
            services.Blobs.Forget(route.Repository, route.Digest);
            return RegistryError.BlobUnknown.About(route.Digest.ToString());
        }
        await using var opened = content;
        services.Blobs.Found(route.Repository, route.Digest, content.Info.Size, removals);

        var response = context.Response;
        Describe(response.Headers, route.Digest.ToString());
        response.ContentType = Oci.MediaTypes.OctetStream;
        response.ContentLength = content.Length;
        if (range is { } sent)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = $"bytes {sent.First}-{sent.First + sent.Length - 1}/{content.Info.Size}";
        }
        await PumpAsync(content.Body, response.BodyWriter, content.Length, cancel);
        return null;
    }

    /// <summary>416, saying how much there is.</summary>
    public static RegistryError Unsatisfiable(HttpContext context, long size)
    {
        if (size < long.MaxValue)
            context.Response.Headers.ContentRange = $"bytes */{size}";
        return RegistryError.RangeInvalid;
    }

    /// <summary>What every answer about a blob carries.</summary>
    public static void Describe(IHeaderDictionary headers, string digest)
    {
        headers[HeaderValues.DigestName] = digest;
        headers.ETag = $"\"{digest}\"";
        headers.AcceptRanges = HeaderValues.Bytes;
        headers.CacheControl = HeaderValues.Immutable;
    }

    private static async Task PumpAsync(Stream source, PipeWriter writer, long length, CancellationToken cancel)
    {
        while (length > 0)
        {
            var room = writer.GetMemory((int)Math.Min(ChunkSize, length));
            var read = await source.ReadAsync(room[..(int)Math.Min(room.Length, length)], cancel);
            if (read == 0)
                throw new EndOfStreamException("The bucket sent less than it said.");
            writer.Advance(read);
            length -= read;
            var flushed = await writer.FlushAsync(cancel);
            if (flushed.IsCompleted || flushed.IsCanceled)
                return;
        }
    }
}
