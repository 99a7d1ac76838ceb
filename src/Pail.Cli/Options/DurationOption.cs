using System.CommandLine;
using Pail.Oci;

namespace Pail.Cli.Options;

/// <summary>Options that take a duration: <c>30s</c>, <c>15m</c>, <c>14d</c>.</summary>
internal static class DurationOption
{
    /// <summary>Makes such an option.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="least">The shortest time it takes.</param>
    public static Option<TimeSpan?> Create(string name, string description, TimeSpan least = default) => new(name)
    {
        HelpName = "DURATION",
        Description = description,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (Duration.TryParse(text, out var time) && time >= least)
                return time;
            result.AddError($"'{SafeText.OneLine(text)}' is not a time for {name}: {(least > TimeSpan.Zero ? $"at least {Duration.Format(least)}, " : "")}such as 30s, 15m, 1.5h or 14d, is expected.");
            return null;
        },
    };
}
