using System.CommandLine;
using Pail.Cli.Output;
using Pail.Oci;

namespace Pail.Cli.Commands;

internal sealed class LsCommand : Verb
{
    private readonly Argument<string> _bucket = new("bucket") { HelpName = "BUCKET", Description = "s3://BUCKET, s3://BUCKET/PREFIX// or file:DIR; with a repository after it, only that one" };
    private readonly Option<bool> _tags = new("--tags", "-t") { Description = "List each repository's tags as well" };

    public LsCommand(Terminal terminal)
        : base(terminal, "ls", "List the repositories of a bucket")
    {
        Add(_bucket);
        Add(_tags);
        AddSharedOptions();
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail ls s3://acme", "one repository a line"),
        ("pail ls --tags s3://acme", "one image a line, as addresses to copy"),
    ];

    protected override async Task RunAsync(Session session, CancellationToken cancel)
    {
        var address = Addressed.Bucket(session.Get(_bucket));
        if (address.Reference is not null)
            throw Addressed.Bad(session.Get(_bucket), "a bucket or a repository is expected, without tag or digest; 'pail inspect' shows an image.");
        var registry = await session.Wiring.OpenRegistryAsync(address.Root, cancel);
        var names = new List<RepositoryName>();
        if (address.Repository is { } only)
            names.Add(only);
        else
            await foreach (var name in registry.ListRepositoriesAsync(null, cancel))
                names.Add(name);

        var found = new List<RepositoryListing>();
        foreach (var name in names)
        {
            List<string>? tags = null;
            if (session.Get(_tags) || address.Repository is not null)
                tags = await registry.ListTagsAsync(name, null, cancel).ToListAsync(cancel);
            found.Add(new(name.ToString(), tags));
        }
        if (address.Repository is not null && found[0].Tags is { Count: 0 })
            throw new PailException(Failure.NotFound, $"{address}: no such repository, or one without tags.");
        if (found.Count == 0)
            session.Say($"{address.Root} holds no image yet.");
        session.Result(new BucketListing(address.Root.ToString(), found, session.Cost), ResultsJson.Plain.BucketListing, lines =>
        {
            foreach (var repository in found)
            {
                if (repository.Tags is null)
                    lines.WriteLine(repository.Name);
                foreach (var tag in repository.Tags ?? [])
                    lines.WriteLine($"{address.Root.WithSeparator}{repository.Name}:{tag}");
            }
        });
    }
}
