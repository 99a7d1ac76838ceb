using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pail.Oci;

namespace Pail.Remote.Http;

/// <summary>The certificates kept for a registry: authorities to trust besides the system's, and those we show.</summary>
/// <remarks>Docker's convention: in certs.d/HOST[:PORT], <c>*.crt</c> are authorities, <c>X.cert</c> with <c>X.key</c> is a client's.</remarks>
internal sealed record CertificateFiles(X509Certificate2Collection Authorities, X509Certificate2Collection Client)
{
    /// <summary>Reads what there is for a host.</summary>
    /// <exception cref="PailException">A file can't be read, or is none.</exception>
    public static CertificateFiles Load(string host, RegistryOptions options)
    {
        var found = new CertificateFiles([], []);
        if (options.CaFile is { } file)
            found.AddAuthorities(file);
        if (options.CertificateFolder is { } only)
            found.AddFolder(Directory.Exists(only) ? only : throw new PailException(Failure.NotFound, $"{only}: there is no such folder of certificates."));
        else
            foreach (var folder in Folders(options))
                if (Path.Combine(folder, host) is var path && Directory.Exists(path))
                    found.AddKeptFolder(path, options.Warn);
        return found;
    }

    // Podman's before Docker's, the user's before the system's.
    private static IEnumerable<string> Folders(RegistryOptions options) =>
        [Path.Combine(options["XDG_CONFIG_HOME"] ?? Path.Combine(options.Home, ".config"), "containers", "certs.d"), "/etc/containers/certs.d", "/etc/docker/certs.d"];

    private static PailException Bad(string file, Exception e) => new(e is CryptographicException ? Failure.BadInput : Failure.NotFound, $"{file} can't be used: {e.Message}", e);

    // That of another user is passed over: most registries need no certificate, and one that does says so.
    private void AddKeptFolder(string folder, Action<string>? warn)
    {
        try
        {
            AddFolder(folder);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || e.InnerException is UnauthorizedAccessException)
        {
            warn?.Invoke($"{folder} can't be read and is passed over: {SafeText.OneLine(e.Message)}");
        }
    }

    private void AddFolder(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            switch (Path.GetExtension(file))
            {
                case ".crt":
                    AddAuthorities(file);
                    break;
                case ".cert":
                    AddClient(file, Path.ChangeExtension(file, ".key"));
                    break;
            }
        }
    }

    private void AddAuthorities(string file)
    {
        try
        {
            var before = Authorities.Count;
            Authorities.ImportFromPemFile(file);
            if (Authorities.Count == before)
                throw new CryptographicException("it holds no certificate in PEM form.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw Bad(file, e);
        }
    }

    private void AddClient(string file, string key)
    {
        try
        {
            using var pem = X509Certificate2.CreateFromPemFile(file, key);
            // A key that only memory holds is of no use to TLS on Windows.
            Client.Add(X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw Bad(file, e);
        }
    }
}
