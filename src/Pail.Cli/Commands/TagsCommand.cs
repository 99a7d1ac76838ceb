using System.CommandLine;
using Pail.Cli.Output;

namespace Pail.Cli.Commands;

internal sealed class TagsCommand : Verb
{
    private readonly Argument<string> _repository = new("repository") { HelpName = "REPOSITORY", Description = "s3://BUCKET/REPO or file:DIR//REPO" };

    public TagsCommand(Terminal terminal)
        : base(terminal, "tags", "List the tags of a repository")
    {
        Add(_repository);
        AddSharedOptions();
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail tags s3://acme/team/app", "one tag a line, in the order of their characters")];

    protected override async Task RunAsync(Session session, CancellationToken cancel)
    {
        var (root, name) = Addressed.Repository(session.Get(_repository));
        var registry = await session.Wiring.OpenRegistryAsync(root, cancel);
        var tags = await registry.ListTagsAsync(name, null, cancel).ToListAsync(cancel);
        if (tags.Count == 0)
            throw new PailException(Failure.NotFound, $"{root.WithSeparator}{name}: no such repository, or one without tags.");
        session.Result(new TagListing(root.WithSeparator + name, tags, session.Cost), ResultsJson.Plain.TagListing, lines => tags.ForEach(lines.WriteLine));
    }
}
