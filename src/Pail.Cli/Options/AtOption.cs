using System.CommandLine;
using Pail.Oci;

namespace Pail.Cli.Options;

/// <summary><c>--at</c>: the time at which a tag named what is wanted.</summary>
internal static class AtOption
{
    public static Option<DateTimeOffset?> Create() => new("--at")
    {
        HelpName = "TIME",
        Description = "What the tag of a bucket named at this time, as far as its history goes: 2026-11-01 (0:00 UTC), 2026-11-01T12:00:00Z, or 2h, 7d ago",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (SinceOption.Parse(text, TimeProvider.System.GetUtcNow()) is { } time)
                return time;
            result.AddError($"'{SafeText.OneLine(text)}' is not a time: a date such as 2026-11-01 or 2026-11-01T12:00:00Z, or 2h or 7d ago, is expected.");
            return null;
        },
    };
}
