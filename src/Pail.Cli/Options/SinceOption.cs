using System.CommandLine;
using System.Globalization;
using Pail.Oci;

namespace Pail.Cli.Options;

/// <summary><c>--since</c>: a point in time, written as such or as how long ago it was.</summary>
internal static class SinceOption
{
    private static readonly string[] Dates = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    public static Option<DateTimeOffset?> Create() => new("--since")
    {
        HelpName = "DURATION|DATE",
        Description = "With --tags, only images made since then, as their configs say: 30m, 12h, 7d, 2w ago, or 2026-01-31, or 2026-01-31T12:00:00Z",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (Parse(text, TimeProvider.System.GetUtcNow()) is { } since)
                return since;
            result.AddError($"'{SafeText.OneLine(text)}' is no time: 30m, 12h, 7d or 2w ago, or a date such as 2026-01-31 or 2026-01-31T12:00:00Z, is expected.");
            return null;
        },
    };

    /// <summary>The point in time; null if the text is none. Dates without a zone are UTC.</summary>
    internal static DateTimeOffset? Parse(string text, DateTimeOffset now)
    {
        if (DateTimeOffset.TryParseExact(text, Dates, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date))
            return date;
        // A number alone could be a year as well as seconds.
        return text.Length > 0 && char.IsAsciiLetter(text[^1]) && Duration.TryParse(text, out var ago) ? now - ago : null;
    }
}
