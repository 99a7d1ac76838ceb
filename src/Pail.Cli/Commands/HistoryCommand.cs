using System.CommandLine;
using Pail.Buckets;
using Pail.Cli.Output;
using Pail.Oci;

namespace Pail.Cli.Commands;

internal sealed class HistoryCommand : Verb
{
    private readonly Argument<string> _image = new("image") { HelpName = "IMAGE", Description = "A tag in a bucket: s3://BUCKET/REPO:TAG or file:DIR//REPO:TAG" };

    public HistoryCommand(Terminal terminal)
        : base(terminal, "history", "Show what a tag named before, since when, and who moved it")
    {
        Add(_image);
        AddSharedOptions();
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail history s3://acme/app:latest", "the newest first; 'pail rollback' goes back to any of them")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var image = await TaggedImage.OpenAsync(session, session.Get(_image), cancel);
        var periods = await image.HistoryAsync(cancel);
        session.Result(new HistoryResult(image.Address, [.. periods.Select(HistoryPeriod.Of)], session.Cost), ResultsJson.Plain.HistoryResult, lines => Columns.Write(lines, Rows(periods), new HashSet<int> { 0 }));
    }

    private static List<IReadOnlyList<string>> Rows(IReadOnlyList<TagPeriod> periods)
    {
        List<IReadOnlyList<string>> rows = [];
        var number = 0;
        foreach (var period in periods)
            rows.Add([period.Digest is null ? "-" : $"{number++}", period.Since is { } since ? TagRollback.Written(since) : "before", period.Digest?.ToString() ?? "(removed)", SafeText.OneLine(period.By)]);
        return rows;
    }
}
