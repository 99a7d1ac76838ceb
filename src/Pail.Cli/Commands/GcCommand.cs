using System.CommandLine;
using Pail.Buckets;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Collect;
using Pail.Places;
using Pail.Retention;

namespace Pail.Cli.Commands;

internal sealed class GcCommand : Verb
{
    private readonly Argument<string> _bucket = new("bucket") { HelpName = "BUCKET", Description = "s3://BUCKET, s3://BUCKET/PREFIX// or file:DIR" };
    private readonly CollectingOptions _collecting = new();
    private readonly Option<TimeSpan?> _history = DurationOption.Create("--history", "What tags named before, and what was removed, is kept for so long [default: history.keep of the bucket's policy, or 30d]");

    public GcCommand(Terminal terminal)
        : base(terminal, "gc", "Remove what no image needs, while others push and pull")
    {
        Add(_bucket);
        _collecting.AddTo(this);
        Add(_history);
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
        // A policy that can't be read is an error: it may say that history is kept for longer.
        var keep = session.Get(_history) ?? ((await RetentionFile.ReadAsync(bucket, cancel))?.Policy ?? RetentionPolicy.Empty).HistoryKeep;
        var options = _collecting.Read(session) with { HistoryKeep = keep };
        if (!options.DryRun)
            bucket = await bucket.Conditions.RenewAsync(cancel);
        var report = await new Collector(bucket, options, session.Say).RunAsync(cancel);
        CollectResult.Tell(session, root.ToString(), report, options.DryRun);
        CollectResult.Check(root.ToString(), report);
    }
}
