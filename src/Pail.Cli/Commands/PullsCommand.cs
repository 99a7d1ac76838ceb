using System.CommandLine;
using System.Globalization;
using Pail.Cli.Output;
using Pail.Places;
using Pail.Pulls;

namespace Pail.Cli.Commands;

/// <summary><c>pail pulls import</c>.</summary>
internal sealed class PullsCommand : Command
{
    public PullsCommand(Terminal terminal)
        : base("pulls", "What a bucket remembers of pulls, for retention")
    {
        Add(new PullsImportCommand(terminal));
        // As without a verb at all.
        SetAction(parsed => new HelpWithExamples().Invoke(parsed));
    }
}

internal sealed class PullsImportCommand : Verb
{
    private readonly Argument<string> _bucket = new("bucket") { HelpName = "BUCKET", Description = "s3://BUCKET, s3://BUCKET/PREFIX// or file:DIR: what was pulled from, and where the times are kept" };
    private readonly Argument<string[]> _logs = new("log") { HelpName = "LOG", Description = "Access logs of S3 or CloudFront: files, also with gzip, folders of them, or - for stdin", Arity = ArgumentArity.OneOrMore };

    public PullsImportCommand(Terminal terminal)
        : base(terminal, "import", "Read from access logs when images were pulled from the bucket itself; the same logs again change nothing")
    {
        Add(_bucket);
        Add(_logs);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("aws s3 sync s3://acme-logs logs && pail pulls import s3://acme logs", "records of other buckets are passed over")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var root = AddressParser.ParseRoot(session.Get(_bucket));
        var bucket = await session.Places.OpenBucketAsync(root, cancel);
        var import = new PullImport(bucket, (root as BucketRoot.Url)?.Bucket, (root as BucketRoot.Url)?.Prefix ?? "");
        foreach (var path in session.Get(_logs))
        {
            if (path == "-")
                await import.ReadAsync(session.Terminal.InputBytes, "stdin", cancel);
            else
                await import.ReadAsync(path, cancel);
        }
        await import.WriteAsync(cancel);
        session.Say($"{import.Pulls} pulls of {import.References} tags and digests in {import.Lines} lines{(import is { First: { } first, Last: { } last } ? $", from {Shown(first)} to {Shown(last)}" : $"; none is about {root}")}.");
        if (import.Unknown > 0)
            session.Say($"{session.Terminal.Ink.Yellow("Not read:")} {import.Unknown} lines that are of no access log of S3 or CloudFront.");
        session.Result(new PullsReport(root.ToString(), import.Lines, import.Unknown, import.Pulls, import.References, import.First, import.Last, session.Cost), ResultsJson.Plain.PullsReport, _ => { });
    }

    private static string Shown(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
