using Microsoft.AspNetCore.Http;
using Pail.Oci;

namespace Pail.Server.Http;

/// <summary>Answers that several handlers give.</summary>
internal static class Answers
{
    /// <summary>An answer without a body, said to be so: some clients wait for one otherwise.</summary>
    public static void Empty(HttpResponse response, int status)
    {
        response.StatusCode = status;
        if (status is not StatusCodes.Status204NoContent and not StatusCodes.Status304NotModified)
            response.ContentLength = 0;
    }

    /// <summary>201, with where the content is and what its digest is.</summary>
    public static void Created(HttpResponse response, string location, Digest digest)
    {
        Empty(response, StatusCodes.Status201Created);
        response.Headers.Location = location;
        response.Headers[HeaderValues.DigestName] = digest.ToString();
    }

    /// <summary>A body that is in memory; for a HEAD its headers alone.</summary>
    public static Task BodyAsync(HttpContext context, string contentType, ReadOnlyMemory<byte> body)
    {
        var response = context.Response;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        if (HttpMethods.IsHead(context.Request.Method))
            return Task.CompletedTask;
        var writing = response.BodyWriter.WriteAsync(body, context.RequestAborted);
        return writing.IsCompletedSuccessfully ? Task.CompletedTask : writing.AsTask();
    }
}
