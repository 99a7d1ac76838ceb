using System.Net;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Server.Identity;

/// <summary>
/// Reads what an issuer publishes: <c>/.well-known/openid-configuration</c>, which names its keys, and those. Two GETs. No redirect is followed, no more than
/// 256 KiB are read, and the keys come by TLS as the issuer does.
/// Source: OpenID Connect Discovery 1.0, 4.
/// </summary>
internal sealed class IssuerDocuments : IDisposable
{
    private const int MaxSize = 256 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = Patience, PooledConnectionLifetime = TimeSpan.FromMinutes(1) })
    {
        Timeout = Patience,
        MaxResponseContentBufferSize = MaxSize,
    };

    /// <summary>Reads the keys that an issuer has now.</summary>
    /// <exception cref="PailException">It does not answer (<see cref="Failure.Unavailable"/>), or with something else (<see cref="Failure.BadContent"/>).</exception>
    public async Task<IReadOnlyList<IssuerKey>> KeysAsync(Uri issuer)
    {
        var name = issuer.OriginalString;
        var about = await ReadAsync(new Uri($"{name.TrimEnd('/')}/.well-known/openid-configuration"));
        if (TextOf(about, "issuer") != name)
            throw Bad(issuer, $"it calls itself '{SafeText.OneLine(TextOf(about, "issuer"))}': rules have to name it so");
        if (!Uri.TryCreate(TextOf(about, "jwks_uri"), UriKind.Absolute, out var address) || !(address.Scheme == "https" || (address.Scheme == "http" && address.IsLoopback && issuer.IsLoopback)))
            throw Bad(issuer, "it names no https address of its keys");
        return IssuerKey.ReadSet(await ReadAsync(address)) is { Count: > 0 } keys ? keys : throw Bad(issuer, "it has no key that can be used");
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> ReadAsync(Uri address)
    {
        try
        {
            using var answer = await _http.GetAsync(address);
            if (answer.StatusCode != HttpStatusCode.OK)
                throw new PailException(Failure.Unavailable, $"{SafeText.OneLine(address.ToString())}: it answered {(int)answer.StatusCode}");
            using var document = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync());
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : throw Bad(address, "it is no JSON object");
        }
        catch (JsonException e)
        {
            throw new PailException(Failure.BadContent, $"{SafeText.OneLine(address.ToString())}: it is no JSON", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            throw new PailException(Failure.Unavailable, $"{SafeText.OneLine(address.ToString())}: it does not answer: {SafeText.OneLine(e.Message).TrimEnd('.')}", e);
        }
    }

    private static string? TextOf(JsonElement from, string name) => from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static PailException Bad(Uri address, string what) => new(Failure.BadContent, $"{SafeText.OneLine(address.OriginalString)}: {what}");
}
