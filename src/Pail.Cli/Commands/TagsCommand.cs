using System.CommandLine;
using Pail.Addresses;
using Pail.Cli.Output;
using Pail.Images.Registries;

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

    protected override async Task RunAsync(Session session, CancellationToken cancel)
    {
        var (name, found) = AddressParser.Parse(session.Get(_repository)) is Address.Registry registry
            ? (registry.ToString(), OfRegistry(session, registry, cancel))
            : await OfBucketAsync(session, cancel);
        // Not every registry sorts.
        var tags = await found.Order(StringComparer.Ordinal).ToListAsync(cancel);
        if (tags.Count == 0)
            throw new PailException(Failure.NotFound, $"{name}: no such repository, or one without tags.");
        session.Result(new TagListing(name, tags, session.Cost), ResultsJson.Plain.TagListing, lines => tags.ForEach(lines.WriteLine));
    }

    private static IAsyncEnumerable<string> OfRegistry(Session session, Address.Registry registry, CancellationToken cancel) => registry.Reference is null
        ? RegistryTags.ListAsync(registry.Host, registry.Repository, session.Wiring.Registries, session.Wiring.Engine, cancel)
        : throw Addressed.Bad(registry.ToString(), "a repository is expected, without tag or digest.");

    private async Task<(string Name, IAsyncEnumerable<string> Tags)> OfBucketAsync(Session session, CancellationToken cancel)
    {
        var (root, name) = Addressed.Repository(session.Get(_repository));
        return ($"{root.WithSeparator}{name}", (await session.Wiring.OpenRegistryAsync(root, cancel)).ListTagsAsync(name, null, cancel));
    }
}
