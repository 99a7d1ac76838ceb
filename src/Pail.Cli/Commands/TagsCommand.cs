using System.CommandLine;
using Pail.Cli.Output;
using Pail.Places;

namespace Pail.Cli.Commands;

internal sealed class TagsCommand : Verb
{
    private readonly Argument<string> _repository = new("repository") { HelpName = "REPOSITORY", Description = "s3://BUCKET/REPO, file:DIR//REPO or docker://HOST/REPO" };

    public TagsCommand(Terminal terminal)
        : base(terminal, "tags", "List the tags of a repository")
    {
        Add(_repository);
        AddSharedOptions(registries: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail tags s3://acme/team/app", "one tag a line, in the order of their characters"), ("pail tags docker://alpine", "of a registry; without a host, of Docker Hub")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var repository = AddressParser.Parse(session.Get(_repository));
        var tags = await RepositoryTags.ListAsync(session, repository, cancel);
        session.Result(new TagListing(repository.ToString(), tags, session.Cost), ResultsJson.Plain.TagListing, lines => tags.ForEach(lines.WriteLine));
    }
}
