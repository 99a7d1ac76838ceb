using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pail.Server.Blobs;

/// <summary>The addresses that objects of the bucket have at a CDN in front of it: plain, or signed for CloudFront.</summary>
/// <param name="root">Where the CDN has the root of the bucket, or of its part below a prefix.</param>
/// <param name="signer">Signs the addresses; null where anybody may read.</param>
internal sealed class CdnAddresses(Uri root, CdnSigner? signer)
{
    /// <summary>The address of an object. No request.</summary>
    /// <param name="key">Its key, without the prefix.</param>
    /// <param name="expires">How long a signed address is to be used; a plain one is good for ever.</param>
    public Uri Locate(string key, DateTimeOffset expires)
    {
        // Keys of blobs hold nothing that a path has to escape.
        var address = $"{root.AbsoluteUri.TrimEnd('/')}/{key}";
        return new(signer is null ? address : signer.Sign(address, expires));
    }
}

/// <summary>Signs addresses with a canned policy. Source: Amazon CloudFront Developer Guide, "Create a signed URL using a canned policy".</summary>
internal sealed class CdnSigner : IDisposable
{
    private readonly string _keyPair;
    private readonly ThreadLocal<RSA> _keys;

    /// <param name="keyPair">The ID of the public key at CloudFront.</param>
    /// <param name="privateKey">The private key, PEM.</param>
    /// <exception cref="FormatException">It is not a private RSA key.</exception>
    public CdnSigner(string keyPair, string privateKey)
    {
        _keyPair = keyPair;
        using var _ = Import(privateKey);
        // An RSA object is for one thread at a time.
        _keys = new(() => Import(privateKey), trackAllValues: true);
    }

    /// <summary>Returns the address with what lets its holder use it until then, to the second.</summary>
    public string Sign(string address, DateTimeOffset expires)
    {
        var seconds = expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var policy = $"{{\"Statement\":[{{\"Resource\":\"{address}\",\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{seconds}}}}}}}]}}";
        var signature = Convert.ToBase64String(_keys.Value!.SignData(Encoding.UTF8.GetBytes(policy), HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
        return $"{address}?Expires={seconds}&Signature={signature.Replace('+', '-').Replace('=', '_').Replace('/', '~')}&Key-Pair-Id={_keyPair}";
    }

    /// <summary>Forgets the key.</summary>
    public void Dispose()
    {
        foreach (var key in _keys.Values)
            key.Dispose();
        _keys.Dispose();
    }

    private static RSA Import(string pem)
    {
        var key = RSA.Create();
        try
        {
            key.ImportFromPem(pem);
            // A public key is PEM, too, and signs nothing.
            _ = key.ExportParameters(includePrivateParameters: true);
            return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new FormatException("a private RSA key in PEM is expected, without a password", e);
        }
    }
}
