using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pail.Server.Http;
using Pail.Stores;

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
        var body = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(body, Plain))
        {
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
        }
        response.ContentType = HeaderValues.Json;
        response.ContentLength = body.WrittenCount;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.BodyWriter.WriteAsync(body.WrittenMemory, context.RequestAborted).AsTask();
    }

    /// <summary>What a client is told of an exception.</summary>
    public static RegistryError Of(Exception exception) => exception switch
    {
        RegistryException known => known.Error,
        StoreException { Error: StoreError.Throttled } busy => RegistryError.TooManyRequests with { RetryAfter = busy.RetryAfter ?? RegistryError.TooManyRequests.RetryAfter },
        StoreException store => RegistryError.Unavailable with { RetryAfter = store.RetryAfter ?? RegistryError.Unavailable.RetryAfter },
        PailException { Failure: Failure.Unavailable, InnerException: StoreException inner } => Of(inner),
        PailException { Failure: Failure.Unavailable or Failure.Conflict } => RegistryError.Unavailable,
        PailException { Failure: Failure.BadContent } => RegistryError.Damaged,
        BadHttpRequestException bad => RegistryError.BadRequest with { Status = bad.StatusCode },
        _ => RegistryError.Unexpected,
    };
}
