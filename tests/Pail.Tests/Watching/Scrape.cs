using System.Globalization;
using System.Text.RegularExpressions;

namespace Pail.Tests.Watching;

/// <summary>A sample of a scrape.</summary>
internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
{
    public string? this[string label] => Labels.GetValueOrDefault(label);
}

/// <summary>What <c>/metrics</c> shows, read without code of Pail or its libraries. Source: Prometheus, "Exposition formats".</summary>
internal sealed partial record Scrape(IReadOnlyList<Sample> Samples)
{
    public static Scrape Parse(string text) => new([.. text.Split('\n').Where(line => line.Length > 0 && !line.StartsWith('#')).Select(Read)]);

    /// <summary>The names of metrics, without what histograms add to theirs.</summary>
    public IEnumerable<string> Names => Samples.Select(sample => Suffix().Replace(sample.Name, "")).Distinct();

    /// <summary>The sum of the samples of a name with these labels.</summary>
    public double Sum(string name, params (string Label, string Value)[] labels) =>
        Samples.Where(sample => sample.Name == name && labels.All(label => sample[label.Label] == label.Value)).Sum(sample => sample.Value);

    private static Sample Read(string line)
    {
        var parts = Line().Match(line);
        Assert.True(parts.Success, line);
        return new(
            parts.Groups["name"].Value,
            Label().Matches(parts.Groups["labels"].Value).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["value"].Value),
            parts.Groups["value"].Value switch { "+Inf" => double.PositiveInfinity, "NaN" => double.NaN, var number => double.Parse(number, CultureInfo.InvariantCulture) });
    }

    [GeneratedRegex("^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\\{(?<labels>.*)\\})? (?<value>\\S+)( \\d+)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Line();

    [GeneratedRegex("(?<name>[a-zA-Z_][a-zA-Z0-9_]*)=\"(?<value>([^\"\\\\]|\\\\.)*)\"", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Label();

    [GeneratedRegex("(_bucket|_sum|_count)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    public static partial Regex Suffix();
}
