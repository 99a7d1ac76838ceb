using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pail.S3;

/// <summary>Makes the connections: one pool for control requests and for bytes.</summary>
internal static class S3Handlers
{
    /// <param name="connectTimeout">How long a connection may take to open.</param>
    /// <param name="https">Whether certificates will have to be checked at all.</param>
    public static SocketsHttpHandler Create(TimeSpan connectTimeout, bool https)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = connectTimeout,
            // S3 closes a connection that was idle for some 20 s; one that is about to be closed must not be used.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(15),
            // A store's name resolves to many addresses, and to others after a while.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            Expect100ContinueTimeout = TimeSpan.FromSeconds(1),
            AllowAutoRedirect = false,
            UseCookies = false,
            // A store has no use for the ids of traces.
            ActivityHeadersPropagator = null,
            AutomaticDecompression = DecompressionMethods.None,
        };
        if (https && Environment.GetEnvironmentVariable("AWS_CA_BUNDLE") is { Length: > 0 } bundle)
            handler.SslOptions.CertificateChainPolicy = Trust(bundle);
        return handler;
    }

    private static X509ChainPolicy Trust(string bundle)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(bundle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new PailException(Failure.BadInput, $"AWS_CA_BUNDLE: {bundle} can't be read as a PEM file of certificates.", e);
        }
        return policy;
    }
}
