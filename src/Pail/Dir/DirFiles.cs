using System.Text;
using System.Text.RegularExpressions;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Dir;

/// <summary>
/// The files of one image in a directory, as skopeo and podman name them: <c>manifest.json</c>, the manifests that an index
/// names, the blobs, signatures, and a file that says so. Source: containers/image, package directory.
/// </summary>
/// <remarks>What sha256 names has its digits for a name; since version 1.2 other algorithms stand before theirs.</remarks>
internal sealed partial class DirFiles(string directory) : DirectoryFiles(directory), ILayoutFiles
{
    public const string Root = "manifest.json";

    private const string Version = "version";
    private const string Sha256Alone = "Directory Transport Version: 1.1\n";
    private const string OthersToo = "Directory Transport Version: 1.2\n";

    private readonly string _directory = directory;

    public string PathOfBlob(Digest digest) => digest.Algorithm == DigestAlgorithm.Sha256 ? digest.Hex : $"{digest.AlgorithmName}-{digest.Hex}";

    public string PathOfManifest(Digest digest) => $"{PathOfBlob(digest)}.{Root}";

    /// <summary>Whether the directory says what it is. One that is just being made says nothing yet, but that it will.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it says it is something else.</exception>
    public async Task<bool> HasVersionAsync(string name, CancellationToken cancel)
    {
        if (await FileLock.ReadAsync(() => this.ReadAsync(name, Version, 100, cancel), cancel) is not { } bytes)
            return false;
        var text = Encoding.Latin1.GetString(bytes);
        return text is "" or Sha256Alone or OthersToo
            ? true
            : throw new PailException(Failure.BadContent, $"{name}: its version file says '{SafeText.OneLine(text.TrimEnd())}'; Directory Transport Versions 1.1 and 1.2 are known.");
    }

    /// <summary>Waits until nobody else changes what the directory holds. Makes it if need be.</summary>
    public async Task<FileStream> LockAsync(CancellationToken cancel)
    {
        var held = await FileLock.OpenAsync(Path.Combine(_directory, Version), cancel);
        if (held.Length == 0)
            await held.WriteAsync(Encoding.Latin1.GetBytes(Sha256Alone), cancel);
        return held;
    }

    /// <summary>Says which version it takes to read all of these. One character changes, so that nobody reads half of it.</summary>
    public static async Task SetVersionAsync(FileStream held, IEnumerable<string> paths, CancellationToken cancel)
    {
        held.Position = 0;
        await held.WriteAsync(Encoding.Latin1.GetBytes(paths.Any(path => path.StartsWith("sha512-", StringComparison.Ordinal)) ? OthersToo : Sha256Alone), cancel);
    }

    /// <summary>Removes signatures: they are for the image that goes.</summary>
    public void RemoveSignatures() => Remove(name => SignaturePattern().IsMatch(name));

    /// <summary>Removes blobs and manifests that the image does not name. What nobody knows is left alone.</summary>
    public void RemoveAllBut(HashSet<string> paths) => Remove(name => !paths.Contains(name) && ContentPattern().IsMatch(name));

    private void Remove(Func<string, bool> goes)
    {
        foreach (var path in Directory.EnumerateFiles(_directory).Where(path => goes(Path.GetFileName(path))).ToList())
            File.Delete(path);
    }

    [GeneratedRegex(@"^((sha512-[0-9a-f]{128}|[0-9a-f]{64})\.)?signature-[0-9]+$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex SignaturePattern();

    [GeneratedRegex(@"^(sha512-[0-9a-f]{128}|[0-9a-f]{64})(\.manifest\.json)?$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex ContentPattern();
}
