using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pail.Access;
using Pail.Server.Events;
using Pail.Server.Watching;
using Pail.Tests.Kit;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Watching;

/// <summary>The names in docs/watch.md, deploy/ and the server are the same.</summary>
[Collection("Metrics")]
public sealed partial class NameTests
{
    private static readonly string Document = File.ReadAllText(Path.Combine(TestEnvironment.Sources, "docs/watch.md"));

    [Fact]
    public async Task Names_OfDocumentAndDeploy_AreThoseOfTheServer()
    {
        await using var bench = await StartAsync(
            change: options => options with { Metrics = new(), Webhooks = new([new Webhook("none", new("http://127.0.0.1:1/"))]) },
            door: options => options with { Rules = AccessRules.Parse("rules: [{subjects: anonymous, repositories: \"**\", allow: [list, pull]}]", "rules") });
        // What nothing was counted of yet is not shown.
        var instruments = Touch();
        (await bench.Server.GetAsync("/v2/")).Is(401);
        var shown = Scrape.Parse((await bench.Server.GetAsync("/metrics")).Is(200).Text).Names.Where(name => name != "target_info").Order(StringComparer.Ordinal).ToList();

        var rows = Row().Matches(Document).Select(row => (Instrument: row.Groups["instrument"].Value, Shown: row.Groups["shown"].Value)).ToList();
        Assert.Equal(instruments.Order(StringComparer.Ordinal), rows.Select(row => row.Instrument).Where(name => name.StartsWith("pail.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(shown, rows.Select(row => row.Shown).Order(StringComparer.Ordinal));

        var deployed = Deployed();
        Assert.True(deployed.Count > 20);
        Assert.Empty(deployed.Except(shown));
    }

    [Fact]
    public void Labels_OfDeploy_AreInTheDocument()
    {
        var texts = Expressions().ToList();
        var labels = texts.SelectMany(text => Selector().Matches(text).SelectMany(match => LabelName().Matches(match.Groups["labels"].Value)).Select(match => match.Groups["name"].Value)
            .Concat(Grouping().Matches(text).SelectMany(match => match.Groups["labels"].Value.Split(',', StringSplitOptions.TrimEntries)))).Distinct().ToList();
        Assert.Contains("http_route", labels);
        // What Prometheus adds.
        foreach (var label in labels.Except(["job", "instance", "le"]))
            Assert.Contains($"`{label}`", Document, StringComparison.Ordinal);
    }

    private static HashSet<string> Touch()
    {
        var found = new HashSet<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == "Pail")
                    found.Add(instrument.Name);
                if (instrument.Meter.Name is not ("Pail" or "Microsoft.AspNetCore.Server.Kestrel"))
                    return;
                switch (instrument)
                {
                    case Counter<long> counter: counter.Add(0); break;
                    case Counter<double> counter: counter.Add(0); break;
                    case Histogram<double> histogram when instrument.Meter.Name == "Pail": histogram.Record(0); break;
                }
            },
        };
        // Instruments are made when they are first used.
        ServerMetrics.Ran("test", TimeSpan.Zero, true, DateTimeOffset.UnixEpoch);
        Pail.Stores.StoreMetrics.Sent(Pail.Stores.StoreOperation.HeadObject, "ok", TimeSpan.Zero, new());
        listener.Start();
        return found;
    }

    private static List<string> Deployed() => [.. Expressions().SelectMany(text => Metric().Matches(text)).Select(match => Scrape.Suffix().Replace(match.Value, "")).Distinct()];

    private static IEnumerable<string> Expressions()
    {
        var deploy = Path.Combine(TestEnvironment.Sources, "deploy");
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(deploy, "grafana/pail.json")));
        foreach (var panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
            if (panel.TryGetProperty("targets", out var targets))
                foreach (var target in targets.EnumerateArray())
                    yield return target.GetProperty("expr").GetString()!;
        yield return File.ReadAllText(Path.Combine(deploy, "prometheus/alerts.yml"));
    }

    [GeneratedRegex("^\\| `(?<instrument>[a-z0-9_.]+)` \\| `(?<shown>[a-z0-9_]+)` \\|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Row();

    [GeneratedRegex("\\b(pail|http_server|kestrel|dotnet)_[a-z0-9_]+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Metric();

    [GeneratedRegex("_(total|bucket|count|bytes|open|used|trouble|rules|info|waiting|seconds|requests|connections)\\{(?<labels>[^}]*)\\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Selector();

    [GeneratedRegex("(?<name>[a-z_]+) *(=~|!=|=)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LabelName();

    [GeneratedRegex("\\bby \\((?<labels>[^)]*)\\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Grouping();
}
