using System.CommandLine;
using Pail.Buckets.Collecting;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Collect;
using Pail.Places;

namespace Pail.Cli.Commands;

internal sealed class GcCommand : Verb
{
    private readonly Argument<string> _bucket = new("bucket") { HelpName = "BUCKET", Description = "s3://BUCKET, s3://BUCKET/PREFIX// or file:DIR" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Tell what would be removed, and remove nothing" };
    private readonly Option<TimeSpan?> _grace = DurationOption.Create("--grace", "What is younger stays, whether or not something needs it [default: 1h]");
    private readonly Option<TimeSpan?> _untagged = DurationOption.Create("--untagged-after", "Manifests that no tag, no history and no image leads to are garbage when they are older [default: they stay, since people pull by digest]");
    private readonly Option<TimeSpan?> _uploads = DurationOption.Create("--uploads-after", "What unfinished uploads left is removed when it is older [default: 2d]", TimeSpan.FromMinutes(1));
    private readonly Option<TimeSpan?> _history = DurationOption.Create("--history", "What tags named before, and what was removed, is kept for so long [default: 30d]");
    private readonly Option<TimeSpan?> _pace = DurationOption.Create("--pace", "For the first collection of a bucket: how long a push may take from its last look at the bucket to its last write. Each collection waits about twice as long [default: 90s]", TimeSpan.FromSeconds(CollectPace.Least));
    private readonly Option<bool> _alone = new("--alone") { Description = "For the first collection of a bucket: nobody else writes to it now, so it needs no wait for pushes that began before" };

    public GcCommand(Terminal terminal)
        : base(terminal, "gc", "Remove what no image needs, while others push and pull")
    {
        Add(_bucket);
        foreach (var option in new Option[] { _dryRun, _grace, _untagged, _uploads, _history, _pace, _alone })
            Add(option);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail gc --dry-run s3://acme", "tells what is garbage"),
        ("pail gc s3://acme", "removes blobs that no manifest names"),
        ("pail gc --untagged-after 14d s3://acme", "also images that no tag has led to for two weeks"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var root = AddressParser.ParseRoot(session.Get(_bucket));
        var bucket = await session.Places.OpenBucketAsync(root, cancel);
        var defaults = new CollectOptions();
        var options = new CollectOptions
        {
            DryRun = session.Get(_dryRun),
            Grace = session.Get(_grace) ?? defaults.Grace,
            UntaggedAfter = session.Get(_untagged),
            UploadsAfter = session.Get(_uploads) ?? defaults.UploadsAfter,
            HistoryKeep = session.Get(_history) ?? defaults.HistoryKeep,
            Pace = (int)(session.Get(_pace)?.TotalSeconds ?? CollectPace.Usual),
            Alone = session.Get(_alone),
        };
        var report = await new Collector(bucket, options, session.Say).RunAsync(cancel);
        CollectResult.Tell(session, root.ToString(), report, options.DryRun);
        if (report.Warnings.Count > 0)
            throw new PailException(Failure.BadContent, $"{root}: {report.Warnings.Count} objects could not be read or removed, as told above; what they may need was kept.");
    }
}
