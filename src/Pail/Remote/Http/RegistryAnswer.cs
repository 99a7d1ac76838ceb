using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Remote.Http;

/// <summary>What a registry answered. Nothing of it is read without a bound in bytes and in time.</summary>
internal sealed class RegistryAnswer(HttpResponseMessage response, StallGuard guard, RegistryOptions options) : IDisposable
{
    private const int MaxError = 16 << 10;

    public HttpStatusCode Status => response.StatusCode;

    /// <summary>True for any 2xx: registries differ in which one they say. Where that tells things apart, the status does.</summary>
    public bool IsSuccess => response.IsSuccessStatusCode;

    /// <summary>True for the redirects that are followed for reads.</summary>
    public bool IsRedirect => (int)Status is 301 or 302 or 303 or 307 or 308;

    /// <summary>
    /// True if the request was refused for what it is, so that another way of asking may do. Not if a login is missing (401), the thing
    /// is not there (404), or it may work later (408, 429, 5xx).
    /// </summary>
    public bool IsRefused => (int)Status is (>= 400 and < 500 and not (401 or 404 or 408 or 429)) or 501;

    /// <summary>True if the answer may be another for somebody with a login: some registries hide what is private so.</summary>
    public bool MayHideLogin => (int)Status is 400 or 403 or 404 or 405 or 406 or 410;

    public HttpResponseHeaders Headers => response.Headers;

    public HttpContentHeaders Content => response.Content.Headers;

    /// <summary>The address that answered, after redirects.</summary>
    public Uri Address => response.RequestMessage!.RequestUri!;

    /// <summary>The values of a header that may be there several times.</summary>
    public IEnumerable<string> All(string header) => Headers.NonValidated.TryGetValues(header, out var values) ? values : [];

    /// <summary>The only value of a header; null if it is not there.</summary>
    public string? this[string header] => Headers.NonValidated.TryGetValues(header, out var values) ? values.First() : null;

    /// <summary>The body as a stream of exactly so many bytes, as they come. It owns the answer.</summary>
    // Web servers guess from a layer's bytes that it has the encoding gzip. It has not: the digest of the bytes that come decides.
    public async Task<Stream> OpenAsync(long length, ShortReadLimiter crumbs, CancellationToken cancel) =>
        new GuardedBody(this, await response.Content.ReadAsStreamAsync(cancel), guard, length, options, crumbs);

    /// <summary>The whole body, which must not be longer than this.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is.</exception>
    public async Task<byte[]> ReadAsync(int limit, CancellationToken cancel)
    {
        RequirePlain();
        if (Content.ContentLength > limit)
            throw TooLong(limit);
        await using var body = new GuardedBody(this, await response.Content.ReadAsStreamAsync(cancel), guard, null, options, new ShortReadLimiter());
        var bytes = new byte[Math.Min(limit, Content.ContentLength ?? 16 << 10) + 1];
        var length = 0;
        while (await body.ReadAsync(bytes.AsMemory(length), cancel) is > 0 and var read)
        {
            length += read;
            if (length > limit)
                throw TooLong(limit);
            if (length == bytes.Length)
                Array.Resize(ref bytes, Math.Min(bytes.Length * 2, limit + 1));
        }
        return bytes[..length];
    }

    /// <summary>What the status and the body say went wrong.</summary>
    public async Task<PailException> ErrorAsync(CancellationToken cancel)
    {
        var status = (int)Status;
        var (said, code) = await ReasonAsync(cancel);
        var message = $"{Address.Authority}: {status} {SafeText.OneLine(response.ReasonPhrase, 60)}{(said.Length == 0 ? "" : $": {said}")}";
        return status switch
        {
            429 => new StoreException(StoreError.Throttled, message) { RetryAfter = RetryAfter },
            408 or >= 500 => new StoreException(StoreError.Unavailable, message) { RetryAfter = RetryAfter },
            401 or 403 => Refusal(Failure.Denied, message),
            405 => Refusal(Failure.Denied, $"{message}. It does not do this; it may be read-only."),
            404 => Refusal(Failure.NotFound, message),
            416 => Refusal(Failure.BadContent, message),
            >= 300 and < 400 => Refusal(Failure.BadContent, $"{message} is not what was expected."),
            _ => Refusal(Failure.BadInput, message),
        };

        RegistryRefusal Refusal(Failure failure, string words) => new(failure, words, Status, code);
    }

    public void Dispose()
    {
        response.Dispose();
        guard.Dispose();
    }

    private TimeSpan? RetryAfter => Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > DateTimeOffset.UtcNow => date - DateTimeOffset.UtcNow,
        _ => null,
    };

    private PailException TooLong(int limit) => new(Failure.BadContent, $"{Address.Authority}: {SafeText.OneLine(Address.AbsolutePath)} has more than the {limit} bytes that are taken.");

    // Nothing else was asked for; what unpacks to who knows what is not unpacked.
    private void RequirePlain()
    {
        if (Content.ContentEncoding.FirstOrDefault(encoding => encoding != "identity") is { } encoding)
            throw new PailException(Failure.BadContent, $"{Address.Authority} answers with the encoding {SafeText.OneLine(encoding, 40)}, which was not asked for.");
    }

    private async Task<(string Said, string? Code)> ReasonAsync(CancellationToken cancel)
    {
        byte[] body;
        try
        {
            body = await ReadAsync(MaxError, cancel);
        }
        catch (PailException)
        {
            // The status says enough; why it can't say more is beside the point.
            return ("", null);
        }
        try
        {
            using var document = JsonDocument.Parse(body);
            var first = document.RootElement.GetProperty("errors")[0];
            var code = first.TryGetProperty("code", out var name) ? name.GetString() : null;
            var text = first.TryGetProperty("message", out var message) ? message.GetString() : null;
            return (SafeText.OneLine(string.Join(", ", new[] { code, text }.Where(part => !string.IsNullOrEmpty(part)))), code);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            // A web page of a proxy explains nothing on one line.
            return (Content.ContentType?.MediaType == "text/html" ? "" : SafeText.OneLine(Encoding.UTF8.GetString(body).Trim()), null);
        }
    }
}
