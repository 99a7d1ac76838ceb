using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Pail.Server.Identity;

/// <summary>A public key of an issuer.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Key">The key: RSA from 2048 bits, or one of the three curves.</param>
/// <param name="Algorithms">How it may sign: those of its type, and of its <c>alg</c> if it has one.</param>
internal sealed record IssuerKey(string Id, SecurityKey Key, IReadOnlyList<string> Algorithms)
{
    private const int MostKeys = 100;
    private const int SmallestRsa = 2048 / 8;
    private const int LargestRsa = 8192 / 8;

    private static readonly string[] OfRsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

    /// <summary>Reads a set of keys; those that can't be used are left out, such as shared secrets and keys for encryption. Source: RFC 7517; RFC 7518, 6.</summary>
    public static IReadOnlyList<IssuerKey> ReadSet(JsonElement set) =>
        set.TryGetProperty("keys", out var keys) && keys.ValueKind == JsonValueKind.Array ? [.. keys.EnumerateArray().Take(MostKeys).Select(Read).OfType<IssuerKey>()] : [];

    private static IssuerKey? Read(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object || Text(key, "kid") is not { Length: > 0 } id || (key.TryGetProperty("use", out _) && Text(key, "use") != "sig"))
            return null;
        try
        {
            (SecurityKey? Key, string[] Algorithms) read = Text(key, "kty") switch
            {
                "RSA" => (Rsa(key), OfRsa),
                "EC" => Text(key, "crv") switch
                {
                    "P-256" => (Curve(key, ECCurve.NamedCurves.nistP256), ["ES256"]),
                    "P-384" => (Curve(key, ECCurve.NamedCurves.nistP384), ["ES384"]),
                    "P-521" => (Curve(key, ECCurve.NamedCurves.nistP521), ["ES512"]),
                    _ => (null, []),
                },
                _ => (null, []),
            };
            if (read.Key is null)
                return null;
            read.Key.KeyId = id;
            return new(id, read.Key, key.TryGetProperty("alg", out _) ? [.. read.Algorithms.Where(algorithm => algorithm == Text(key, "alg"))] : read.Algorithms);
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }

    private static RsaSecurityKey? Rsa(JsonElement key)
    {
        var (modulus, exponent) = (Bytes(key, "n"), Bytes(key, "e"));
        return modulus.Length is >= SmallestRsa and <= LargestRsa && modulus[0] != 0 && exponent.Length is > 0 and <= 8 ? new(new RSAParameters { Modulus = modulus, Exponent = exponent }) : null;
    }

    // Checks that the point is on the curve.
    private static ECDsaSecurityKey Curve(JsonElement key, ECCurve curve) => new(ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = Bytes(key, "x"), Y = Bytes(key, "y") } }));

    private static byte[] Bytes(JsonElement key, string name) => Base64Url.DecodeFromChars(Text(key, name) ?? "");

    private static string? Text(JsonElement key, string name) => key.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
