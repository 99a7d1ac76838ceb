using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Pail.Oci;

/// <summary>The name of a repository, such as <c>team/app</c>. An invalid one can't be made. Source: OCI distribution-spec, "Pulling manifests".</summary>
public readonly partial record struct RepositoryName
{
    /// <summary>The longest name taken, in characters: what clients allow host and name together.</summary>
    public const int MaxLength = 255;

    private readonly string? _text;

    private RepositoryName(string text) => _text = text;

    /// <summary>Reads a name; false for anything the specification does not allow.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out RepositoryName name)
    {
        var valid = text is { Length: > 0 and <= MaxLength } && Pattern().IsMatch(text);
        name = valid ? new(text!) : default;
        return valid;
    }

    /// <summary>Reads a name.</summary>
    /// <exception cref="FormatException">The specification does not allow it.</exception>
    public static RepositoryName Parse(string? text) => TryParse(text, out var name)
        ? name
        : throw new FormatException($"'{SafeText.OneLine(text)}' is not a repository name: lower-case letters and digits, separated by '.', '_', '__', '-' or '/', at most {MaxLength} characters.");

    /// <summary>The name.</summary>
    public override string ToString() => _text ?? throw new InvalidOperationException("This repository name was never set.");

    [GeneratedRegex(@"\A[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\z", RegexOptions.NonBacktracking)]
    private static partial Regex Pattern();
}

/// <summary>What names a manifest in a repository: a tag or a digest, nothing else. Source: OCI distribution-spec, "Pulling manifests".</summary>
public readonly partial record struct Reference
{
    private readonly string? _text;
    private readonly Digest? _digest;

    private Reference(string text, Digest? digest) => (_text, _digest) = (text, digest);

    /// <summary>The digest, if it is one.</summary>
    public Digest? Digest => _digest;

    /// <summary>The tag, if it is one.</summary>
    public string? Tag => _digest is null ? _text : null;

    /// <summary>A reference by digest.</summary>
    public static Reference Of(Digest digest) => new(digest.ToString(), digest);

    /// <summary>Reads a tag or a digest; false for anything else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Reference reference)
    {
        reference = default;
        if (Oci.Digest.TryParse(text, out var digest))
            reference = Of(digest);
        else if (IsTag(text))
            reference = new(text, null);
        else
            return false;
        return true;
    }

    /// <summary>Reads a tag or a digest.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static Reference Parse(string? text) => TryParse(text, out var reference)
        ? reference
        : throw new FormatException($"'{SafeText.OneLine(text)}' is neither a tag (letters, digits, '_', '.', '-', at most 128, not beginning with '.' or '-') nor a digest.");

    /// <summary>True for a tag the specification allows.</summary>
    public static bool IsTag([NotNullWhen(true)] string? text) => text is { Length: > 0 and <= 128 } && TagPattern().IsMatch(text);

    /// <summary>The tag or the digest.</summary>
    public override string ToString() => _text ?? throw new InvalidOperationException("This reference was never set.");

    [GeneratedRegex(@"\A[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}\z", RegexOptions.NonBacktracking)]
    private static partial Regex TagPattern();
}
