using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Pail.Oci;

/// <summary>The hash functions a digest may name. Source: OCI image-spec, descriptor.md, "Registered algorithms".</summary>
public enum DigestAlgorithm
{
    /// <summary>SHA-256: 64 hexadecimal digits.</summary>
    Sha256,

    /// <summary>SHA-512: 128 hexadecimal digits.</summary>
    Sha512,
}

/// <summary>
/// The name of content by its hash, <c>sha256:HEX</c> or <c>sha512:HEX</c> in lower case.
/// An invalid one can't be made. Source: OCI image-spec, descriptor.md, "Digests".
/// </summary>
public readonly record struct Digest
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private readonly string? _text;

    private Digest(string text) => _text = text;

    /// <summary>The hash function.</summary>
    public DigestAlgorithm Algorithm => Text.StartsWith("sha512:", StringComparison.Ordinal) ? DigestAlgorithm.Sha512 : DigestAlgorithm.Sha256;

    /// <summary>The algorithm as written: <c>sha256</c> or <c>sha512</c>.</summary>
    public string AlgorithmName => Text[..6];

    /// <summary>The hash in lower-case hexadecimal digits.</summary>
    public string Hex => Text[7..];

    private string Text => _text ?? throw new InvalidOperationException("This digest was never set.");

    /// <summary>Reads a digest; false for anything that is not exactly one of the registered forms.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest)
    {
        digest = default;
        if (text is not { Length: 71 or 135 })
            return false;
        var expected = text.Length == 71 ? "sha256:" : "sha512:";
        if (!text.StartsWith(expected, StringComparison.Ordinal) || text.AsSpan(7).ContainsAnyExcept(HexDigits))
            return false;
        digest = new Digest(text);
        return true;
    }

    /// <summary>Reads a digest.</summary>
    /// <exception cref="FormatException">It is not a valid sha256 or sha512 digest.</exception>
    public static Digest Parse(string? text) => TryParse(text, out var digest)
        ? digest
        : throw new FormatException($"'{SafeText.OneLine(text)}' is not a digest: sha256: and 64, or sha512: and 128, lower-case hexadecimal digits are expected.");

    /// <summary>The digest of bytes held in memory.</summary>
    public static Digest Of(ReadOnlySpan<byte> content, DigestAlgorithm algorithm = DigestAlgorithm.Sha256) =>
        FromHash(algorithm, algorithm == DigestAlgorithm.Sha512 ? SHA512.HashData(content) : SHA256.HashData(content));

    /// <summary>The digest whose hash is these bytes: 32 for sha256, 64 for sha512.</summary>
    public static Digest FromHash(DigestAlgorithm algorithm, ReadOnlySpan<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(hash.Length, algorithm == DigestAlgorithm.Sha512 ? 64 : 32);
        return new((algorithm == DigestAlgorithm.Sha512 ? "sha512:" : "sha256:") + Convert.ToHexStringLower(hash));
    }

    /// <summary>A running hash for this algorithm; end it with <see cref="FromHash"/>.</summary>
    internal static IncrementalHash CreateHash(DigestAlgorithm algorithm) =>
        IncrementalHash.CreateHash(algorithm == DigestAlgorithm.Sha512 ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);

    /// <summary>The digest as written in the field: <c>algorithm:hex</c>.</summary>
    public override string ToString() => Text;
}
