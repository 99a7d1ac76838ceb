using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Pail.Server.Running;

/// <summary>The certificate a server shows, read again when its files change, so that renewing it takes no restart.</summary>
internal sealed class Certificates
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(30);

    private readonly TlsFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private Loaded _loaded;
    private long _looked;

    /// <summary>Reads them now.</summary>
    /// <exception cref="PailException">They can't be read, or don't belong together.</exception>
    public Certificates(TlsFiles files, ILogger log, TimeProvider time)
    {
        (_files, _log, _time) = (files, log, time);
        _looked = time.GetTimestamp();
        _loaded = Load(files);
    }

    /// <summary>What to show now.</summary>
    public SslStreamCertificateContext Current()
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _looked)) < LookEvery)
            return _loaded.Context;
        lock (_lock)
        {
            if (_time.GetElapsedTime(_looked) < LookEvery)
                return _loaded.Context;
            Volatile.Write(ref _looked, _time.GetTimestamp());
            try
            {
                if (Stamp(_files) != _loaded.Stamp)
                {
                    _loaded = Load(_files);
                    _log.CertificateRead();
                }
            }
            catch (PailException e)
            {
                // Half written, most likely: the one in use stays, and the next look finds the rest.
                _log.CertificateKept(e.Message);
            }
            return _loaded.Context;
        }
    }

    private static Loaded Load(TlsFiles files)
    {
        try
        {
            var stamp = Stamp(files);
            using var pem = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
            // A key that lives in memory only is not used by every TLS library; one that went through PKCS #12 is.
            var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(files.Certificate);
            chain.RemoveAt(0);
            return new Loaded(SslStreamCertificateContext.Create(certificate, chain, offline: true), stamp);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new PailException(Failure.BadInput, $"the certificate {files.Certificate} with the key {files.Key} can't be used: {Oci.SafeText.OneLine(e.Message)}", e);
        }
    }

    private static (DateTime, DateTime) Stamp(TlsFiles files) => (File.GetLastWriteTimeUtc(files.Certificate), File.GetLastWriteTimeUtc(files.Key));

    private sealed record Loaded(SslStreamCertificateContext Context, (DateTime, DateTime) Stamp);
}
