using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pail.Buckets;
using Pail.Server.Http;

namespace Pail.Server.Errors;

/// <summary>Tells a client of an error, in the form of the specification.</summary>
internal static class ErrorAnswers
{
    // Apostrophes stay readable: this is never put into a page, and is sent as JSON.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Answers with an error: <c>{"errors":[{"code","message","detail"}]}</c>; a HEAD gets no body.</summary>
    public static Task WriteAsync(HttpContext context, RegistryError error)
    {
        var response = context.Response;
        response.StatusCode = error.Status;
        // What a handler said of the content before it failed.
        response.Headers.ETag = default;
        response.Headers.CacheControl = default;
        response.Headers.Remove(HeaderValues.DigestName);
        if (error.RetryAfter is { } wait)
            response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString();
        if (error.Allow is { } methods)
            response.Headers.Allow = methods;
        if (error.Challenge is { } challenge)
            response.Headers.WWWAuthenticate = challenge;
        var body = Body(error);
        response.ContentType = HeaderValues.Json;
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.BodyWriter.WriteAsync(body, context.RequestAborted).AsTask();
    }

    /// <summary>The body of an answer that is an error.</summary>
    public static ReadOnlyMemory<byte> Body(RegistryError error)
    {
        var body = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(body, Plain);
        json.WriteStartObject();
        json.WriteStartArray("errors");
        json.WriteStartObject();
        json.WriteString("code", error.Code);
        json.WriteString("message", error.Message);
        if (error.Detail is { } detail)
            json.WriteString("detail", detail);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return body.WrittenMemory;
    }

    /// <summary>The error that a client gets for an exception.</summary>
    public static RegistryError Of(Exception exception) => exception switch
    {
        RegistryException known => known.Error,
        // 403 with DENIED: docker and podman show the message, and don't try again.
        ImmutableTagException { Failure: Failure.Conflict } refused => RegistryError.Denied with { Message = refused.Reason },
        ImmutableTagException => RegistryError.BucketRefuses,
        _ when StoreFailures.Find(exception) is { } store => StoreFailures.Of(store),
        PailException { Failure: Failure.Unavailable or Failure.Conflict } => RegistryError.Unavailable,
        PailException { Failure: Failure.BadContent } => RegistryError.Damaged,
        BadHttpRequestException bad => RegistryError.BadRequest.As(bad.StatusCode),
        _ => RegistryError.Unexpected,
    };
}
