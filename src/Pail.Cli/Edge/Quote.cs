using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using Pail.Oci;

namespace Pail.Cli.Edge;

/// <summary>Writes a value so that the syntax it stands in reads that value and nothing else.</summary>
internal static class Quote
{
    /// <summary>A word of nginx. A dollar sign can't be escaped there, so a value with one is refused.</summary>
    /// <exception cref="PailException">It has a dollar sign or a control character.</exception>
    public static string Nginx(string text) => text.Contains('$', StringComparison.Ordinal) || text.Any(char.IsControl)
        ? throw new PailException(Failure.BadInput, $"'{SafeText.OneLine(text)}' can't be written into a configuration of nginx.")
        : $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>An address in a Caddyfile, where braces are placeholders and spaces separate: a value with one of them is refused.</summary>
    /// <exception cref="PailException">It has such a character.</exception>
    public static string Caddy(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || ".:/-_*[]%~".Contains(c, StringComparison.Ordinal))
        ? text
        : throw new PailException(Failure.BadInput, $"'{SafeText.OneLine(text)}' can't be written into a Caddyfile.");

    /// <summary>A path between double quotes in a Caddyfile, where braces are placeholders and a question mark ends it: a value with one of them is refused.</summary>
    /// <exception cref="PailException">It has such a character.</exception>
    public static string CaddyPath(string text) => text.Any(c => char.IsControl(c) || "{}\"?#\\`".Contains(c, StringComparison.Ordinal))
        ? throw new PailException(Failure.BadInput, $"'{SafeText.OneLine(text)}' can't be written into a Caddyfile.")
        : text;

    /// <summary>A string of JSON, JavaScript and TOML.</summary>
    // Escapes all that is not ASCII, line separators among it; TOML knows the same escapes.
    public static string Json(string text) => $"\"{JavaScriptEncoder.Default.Encode(text)}\"";

    /// <summary>A string of Terraform's language, in which <c>${</c> and <c>%{</c> begin templates.</summary>
    public static string Terraform(string text) =>
        (JsonValue.Create(text).ToJsonString()).Replace("${", "$${", StringComparison.Ordinal).Replace("%{", "%%{", StringComparison.Ordinal);

    /// <summary>A word of a shell.</summary>
    public static string Shell(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>Part of a line of comment.</summary>
    public static string Comment(string text) => SafeText.OneLine(text, 1000);
}
