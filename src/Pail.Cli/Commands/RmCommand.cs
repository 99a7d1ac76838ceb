using System.CommandLine;
using Pail.Cli.Output;
using Pail.Places;

namespace Pail.Cli.Commands;

internal sealed class RmCommand : Verb
{
    private const string NoDigests = "only tags can be removed so far, not digests: name a tag.";

    private readonly Argument<string[]> _tags = new("tag") { HelpName = "ADDRESS", Description = "s3://BUCKET/REPO:TAG or file:DIR//REPO:TAG", Arity = ArgumentArity.OneOrMore };

    public RmCommand(Terminal terminal)
        : base(terminal, "rm", "Remove tags; what they name stays under its digest")
    {
        Add(_tags);
        AddSharedOptions(quiet: true, reads: false, writes: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail rm s3://acme/app:1.0-rc1 s3://acme/app:1.0-rc2", "fails with exit code 3 if one of them is not there")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        // All are read before the first is removed.
        var targets = session.Get(_tags).Select(text => Addressed.Tag(text, NoDigests)).ToList();
        var removed = new List<string>();
        foreach (var (root, name, tag) in targets)
        {
            var registry = await session.Places.OpenBucketAsync(root, cancel);
            var address = $"{root.WithSeparator}{name}:{tag}";
            if (!await registry.Repository(name).Tags.DeleteAsync(tag, cancel))
                throw new PailException(Failure.NotFound, $"{address}: no such tag.");
            session.Say($"removed {address}");
            removed.Add(address);
        }
        session.Result(new RemovalResult(removed, session.Cost), ResultsJson.Plain.RemovalResult, _ => { });
    }
}
