using System.Globalization;

namespace Pail.Oci;

/// <summary>What a manifest in an index runs on. Source: OCI image-spec, image-index.md, "platform".</summary>
/// <param name="Os">GOOS, such as <c>linux</c>.</param>
/// <param name="Architecture">GOARCH, such as <c>amd64</c>.</param>
/// <param name="Variant">The variant of the architecture, such as <c>v7</c>.</param>
/// <param name="OsVersion">The version of the system, used by Windows.</param>
public sealed record Platform(string Os, string Architecture, string? Variant = null, string? OsVersion = null)
{
    // Behind every variant that was asked for, or that is the usual one.
    private const int Newer = 100;

    /// <summary>Reads <c>os/architecture[/variant]</c>.</summary>
    /// <exception cref="FormatException">It is not of that form.</exception>
    public static Platform Parse(string text)
    {
        var parts = text.Split('/');
        return parts.Length is 2 or 3 && parts.All(part => part.Length > 0)
            ? new(parts[0], parts[1], parts.Length == 3 ? parts[2] : null)
            : throw new FormatException($"'{SafeText.OneLine(text)}' is not a platform: os/architecture[/variant] is expected, such as linux/amd64.");
    }

    /// <summary>True if content for <paramref name="offered"/> runs where this platform is asked for.</summary>
    public bool Accepts(Platform offered) => RankOf(offered) is not null;

    /// <summary>
    /// Returns how well an offered platform fits this one: 0 for exactly it, more for an older variant that runs there too, null for one
    /// that does not. Where no variant was asked for, the usual one fits exactly, and newer ones fit worst.
    /// Source: containerd, package platforms (names that mean the same, and the order of variants).
    /// </summary>
    internal int? RankOf(Platform offered)
    {
        var (os, architecture, asked) = Normal();
        var (offeredOs, offeredArchitecture, has) = offered.Normal();
        if (os != offeredOs || architecture != offeredArchitecture)
            return null;
        if (asked == has)
            return 0;
        if (Number(asked) is not { } most || Number(has) is not { } number)
            return Variant is null ? Newer : null;
        return number < most ? (int)(10 * (most - number)) : Variant is null ? Newer + (int)(10 * (number - most)) : null;
    }

    /// <summary>The platform as people write it: <c>os/architecture[/variant]</c>.</summary>
    public override string ToString() => Variant is null ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";

    // The names of Go, each with the variant that no variant means.
    private (string Os, string Architecture, string Variant) Normal()
    {
        var os = Os.ToLowerInvariant() is "macos" ? "darwin" : Os.ToLowerInvariant();
        var (architecture, usual) = Architecture.ToLowerInvariant() switch
        {
            "amd64" or "x86_64" or "x86-64" => ("amd64", "v1"),
            "386" or "i386" or "i486" or "i586" or "i686" or "x86" => ("386", ""),
            "arm64" or "aarch64" => ("arm64", "v8"),
            "arm" or "armhf" or "armv7" or "armv7l" => ("arm", "v7"),
            "armel" or "armv6" or "armv6l" => ("arm", "v6"),
            var other => (other, ""),
        };
        var variant = Variant is null or "" ? usual : Variant.ToLowerInvariant();
        return (os, architecture, char.IsAsciiDigit(variant.Length > 0 ? variant[0] : ' ') ? "v" + variant : variant);
    }

    private static decimal? Number(string variant) =>
        variant is ['v', .. var digits] && decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number < 100 ? number : null;
}
