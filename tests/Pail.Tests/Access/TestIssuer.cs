using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Access;

/// <summary>An issuer of identity tokens on loopback: discovery, keys, and tokens as a test wants them, also wrong ones.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    private readonly RawServer _server;
    private readonly Func<DateTimeOffset> _now;

    public TestIssuer(Func<DateTimeOffset> now)
    {
        _now = now;
        _server = new RawServer(async (request, stream, _) =>
        {
            if (IsAway)
                await RawServer.WriteAsync(stream, "500 Out", "", default);
            else if (request.Path == "/.well-known/openid-configuration")
                await RawServer.WriteAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes(new JsonObject { ["issuer"] = Name ?? Url, ["jwks_uri"] = KeysAddress ?? $"{Url}/keys" }.ToJsonString()));
            else
                await RawServer.WriteAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes(new JsonObject { ["keys"] = new JsonArray([.. Published.Select(key => (JsonNode)key.DeepClone())]) }.ToJsonString()));
        });
        Published.Add(Public(Key, "one"));
    }

    public string Url => $"http://{_server.Host}";

    public bool IsAway { get; set; }

    /// <summary>What it calls itself, if not as it should.</summary>
    public string? Name { get; set; }

    public string? KeysAddress { get; set; }

    public RSA Key { get; } = RSA.Create(2048);

    public List<JsonObject> Published { get; } = [];

    /// <summary>How often it was asked for its keys.</summary>
    public int Asked => _server.Requests.Count(request => request.Path == "/.well-known/openid-configuration");

    public static JsonObject Public(RSA key, string id, string? algorithm = "RS256")
    {
        var numbers = key.ExportParameters(false);
        var json = new JsonObject { ["kty"] = "RSA", ["kid"] = id, ["use"] = "sig", ["n"] = Base64Url.EncodeToString(numbers.Modulus), ["e"] = Base64Url.EncodeToString(numbers.Exponent) };
        if (algorithm is not null)
            json["alg"] = algorithm;
        return json;
    }

    /// <summary>The claims that every token has, and more; null takes one away.</summary>
    public JsonObject Claims(params (string Name, JsonNode? Value)[] more)
    {
        var now = _now().ToUnixTimeSeconds();
        var claims = new JsonObject { ["iss"] = Url, ["aud"] = "registry.example", ["sub"] = "job", ["iat"] = now, ["nbf"] = now, ["exp"] = now + 300 };
        foreach (var (name, value) in more)
        {
            claims.Remove(name);
            if (value is not null)
                claims[name] = value;
        }
        return claims;
    }

    /// <summary>A token.</summary>
    public string Token(JsonObject claims, JsonObject? header = null, Func<byte[], byte[]>? sign = null) =>
        Token(claims.ToJsonString(), (header ?? Header()).ToJsonString(), sign);

    public string Token(string claims, string header, Func<byte[], byte[]>? sign = null)
    {
        var text = $"{Encode(header)}.{Encode(claims)}";
        var signature = (sign ?? (bytes => Key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)))(Encoding.ASCII.GetBytes(text));
        return $"{text}.{Base64Url.EncodeToString(signature)}";
    }

    public static JsonObject Header(string algorithm = "RS256", string? key = "one") => key is null ? new() { ["alg"] = algorithm, ["typ"] = "JWT" } : new() { ["alg"] = algorithm, ["typ"] = "JWT", ["kid"] = key };

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Key.Dispose();
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
