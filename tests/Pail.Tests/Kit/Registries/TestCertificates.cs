using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pail.Tests.Images;

namespace Pail.Tests.Kit.Registries;

/// <summary>An authority, and certificates it issued, as PEM files.</summary>
/// <param name="folder">Where the files are written.</param>
/// <param name="authority">A certificate with its key; null for an authority of the test alone.</param>
internal sealed class TestCertificates(TestFolder folder, X509Certificate2? authority = null)
{
    private readonly X509Certificate2 _authority = authority ?? NewAuthority();

    /// <summary>The authority's certificate.</summary>
    public string Authorities
    {
        get
        {
            File.WriteAllText(folder["ca.crt"], _authority.ExportCertificatePem());
            return folder["ca.crt"];
        }
    }

    /// <summary>A certificate for loopback and for registry.example, good for servers and for clients.</summary>
    public X509Certificate2 Issue(string name = "registry.example", bool expired = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_authority, Later(DateTimeOffset.UtcNow.AddHours(-1), new DateTimeOffset(_authority.NotBefore)), DateTimeOffset.UtcNow.AddMinutes(expired ? -1 : 60), RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }

    /// <summary>Writes a certificate and its key; returns the certificate's path.</summary>
    public string Write(X509Certificate2 certificate, string name)
    {
        File.WriteAllText(folder[name + ".cert"], certificate.ExportCertificatePem());
        File.WriteAllText(folder[name + ".key"], certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return folder[name + ".cert"];
    }

    /// <summary>The authority that the engines of all tests trust.</summary>
    public static X509Certificate2 OfEngines() => X509Certificate2.CreateFromPemFile(TestEnvironment.Authority, Path.ChangeExtension(TestEnvironment.Authority, "key"));

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static X509Certificate2 NewAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(2));
    }
}
