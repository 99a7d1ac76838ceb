using System.CommandLine;
using Pail.Buckets;
using Pail.Cli.Output;
using Pail.Oci;
using Pail.Places;
using Pail.Removal;

namespace Pail.Cli.Commands;

internal sealed class UndeleteCommand : Verb
{
    private readonly Argument<string[]> _images = new("image") { HelpName = "ADDRESS", Description = "A tag, digest, repository or pattern in a bucket, as 'pail rm' takes them", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _list = new("--list", "-l") { Description = "Tell what could be brought back, and change nothing" };

    public UndeleteCommand(Terminal terminal)
        : base(terminal, "undelete", "Bring back what was removed, until 'pail gc' has freed it")
    {
        Add(_images);
        Add(_list);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail undelete s3://acme/app:1.0", "a tag"),
        ("pail undelete --list 's3://acme/**'", "all that was removed from a bucket and not freed yet"),
        ("pail undelete s3://acme/old/app", "a repository, with its tags"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var found = new List<(BucketRoot Root, Bucket Bucket, Removed Removed)>();
        foreach (var text in session.Get(_images))
        {
            var (root, images) = AddressParser.ParsePattern(text) ?? throw Addressed.Bad(text, "an address in a bucket is expected, s3://BUCKET/... or file:DIR//...");
            var bucket = await session.Places.OpenBucketAsync(root, cancel);
            var here = await Undeletion.FindAsync(bucket, images, cancel);
            if (here.Count == 0 && !session.Get(_list))
                throw new PailException(Failure.NotFound, $"{SafeText.OneLine(text, 400)}: nothing is kept of it that could be brought back.");
            found.AddRange(here.Select(removed => (root, bucket, removed)));
        }
        if (session.Get(_list))
            await ListAsync(session, found, cancel);
        else
            await RestoreAsync(session, found, cancel);
    }

    private static async Task ListAsync(VerbRun session, IEnumerable<(BucketRoot Root, Bucket Bucket, Removed Removed)> found, CancellationToken cancel)
    {
        var images = new List<RemovedImage>();
        foreach (var (root, bucket, removed) in found)
        {
            var entry = removed.Keys is [var newest, ..] ? await RemovedEntry.ReadAsync(bucket, newest, cancel) : null;
            images.Add(new(root.WithSeparator + removed, removed.Reference.Digest?.ToString() ?? (entry is null ? null : Digest.Of(entry.Manifest).ToString()), removed.Time, entry?.By));
        }
        session.Result(new UndeleteResult([], session.Cost) { Removed = images }, ResultsJson.Plain.UndeleteResult, lines => Columns.Write(lines,
            [.. images.Select(image => new[] { image.Image, image.Removed is { } time ? TagRollback.Written(time) : "condemned", SafeText.OneLine(image.By) })]));
    }

    // The command names each one that can't be brought back at once, and goes on with the others.
    private static async Task RestoreAsync(VerbRun session, List<(BucketRoot Root, Bucket Bucket, Removed Removed)> found, CancellationToken cancel)
    {
        var (restored, failed) = (new List<string>(), new List<(string Image, PailException Why)>());
        foreach (var (root, bucket, removed) in found)
        {
            try
            {
                foreach (var image in await new Undeleter(bucket).RestoreAsync(removed, cancel))
                {
                    restored.Add(root.WithSeparator + image);
                    session.Say($"{root.WithSeparator}{image} is back");
                }
            }
            catch (PailException e) when (!cancel.IsCancellationRequested)
            {
                session.Terminal.Fail(ExitCode.Of(e.Failure), SafeText.OneLine(e.Message, 1000), e);
                failed.Add((root.WithSeparator + removed, e));
            }
        }
        session.Result(
            new UndeleteResult(restored, session.Cost) { Failed = failed.Count == 0 ? null : [.. failed.Select(item => new RemovalFailure(item.Image, SafeText.OneLine(item.Why.Message, 1000)))] },
            ResultsJson.Plain.UndeleteResult, _ => { });
        if (failed is [var first, ..])
            throw new PailException(first.Why.Failure, $"{failed.Count} of {found.Count} not brought back; why is said above.");
    }
}
