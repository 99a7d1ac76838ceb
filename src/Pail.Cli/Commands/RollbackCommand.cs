using System.CommandLine;
using Pail.Buckets;
using Pail.Cli.Options;
using Pail.Cli.Output;

namespace Pail.Cli.Commands;

internal sealed class RollbackCommand : Verb
{
    private readonly Argument<string> _image = new("image") { HelpName = "IMAGE", Description = "A tag in a bucket: s3://BUCKET/REPO:TAG or file:DIR//REPO:TAG" };
    private readonly Option<string?> _to = new("--to") { HelpName = "N|DIGEST|TIME", Description = "What it named N moves ago, or this digest of its history (or how it begins), or what it named at a time: 2026-11-01, 2026-11-01T12:00:00Z, or 2h, 7d ago [default: 1]" };

    public RollbackCommand(Terminal terminal)
        : base(terminal, "rollback", "Make a tag name again what it named before")
    {
        Add(_image);
        Add(_to);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail rollback s3://acme/app:latest", "takes back the last push; once more, and the last push is back"),
        ("pail rollback --to 2026-11-01 s3://acme/app:latest", "what it named then"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var image = await TaggedImage.OpenAsync(session, session.Get(_image), cancel);
        var (periods, to) = (await image.HistoryAsync(cancel), session.Get(_to) ?? "1");
        var digest = SinceOption.Parse(to, image.Repository.Bucket.Now) is { } time ? TagRollback.At(image.Address, periods, time) : TagRollback.Find(image.Address, periods, to);
        var before = await TagRollback.MoveAsync(image.Repository, image.Tag, digest, cancel);
        session.Say(before == digest ? $"{image.Address} is {digest} already" : $"{image.Address} is {digest} again, not {before}");
        session.Result(new RollbackResult(image.Address, digest.ToString(), before?.ToString(), before != digest, session.Cost), ResultsJson.Plain.RollbackResult, _ => { });
    }
}
