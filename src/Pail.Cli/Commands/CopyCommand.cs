using System.CommandLine;
using Pail.Addresses;
using Pail.Cli.Output;

namespace Pail.Cli.Commands;

internal sealed class CopyCommand : CopyVerb
{
    private readonly Argument<string> _source = new("source") { HelpName = "SOURCE", Description = "An image, wherever it is" };
    private readonly Argument<string> _destination = new("destination") { HelpName = "DESTINATION", Description = "Where to" };
    private readonly Option<string[]> _tags = new("--tags") { HelpName = "PATTERN", Description = "All tags of the repository SOURCE that match, such as '1.*'; may be given several times", Arity = ArgumentArity.OneOrMore };

    public CopyCommand(Terminal terminal)
        : base(terminal, "copy", "Copy an image from any address to any other")
    {
        Add(_source);
        Add(_destination);
        Add(_tags);
        AddCopyOptions();
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail copy s3://acme/app:1.0 s3://backup/app:1.0", "from bucket to bucket"),
        ("pail copy --platform linux/arm64 oci:image oci-archive:image.tar:1.0", "one platform of an index, into a tar file"),
        ("pail copy --platform linux/amd64,linux/arm64 docker://alpine s3://acme", "an index of these two only"),
        ("pail copy --tags '1.*' docker://registry.example.com/app s3://acme", "many images of a repository"),
    ];

    protected override async Task RunAsync(Session session, CancellationToken cancel)
    {
        if (session.Get(_tags) is { Length: > 0 } patterns)
        {
            await CopyAsync(session, await SelectAsync(session, patterns, cancel), cancel);
            return;
        }
        var from = Addressed.Image(session.Get(_source));
        await CopyAsync(session, from, Destinations.Anywhere(session.Get(_destination), from), cancel);
    }

    private async Task<IReadOnlyList<(Address From, Address To)>> SelectAsync(Session session, string[] patterns, CancellationToken cancel)
    {
        var (repository, to) = (AddressParser.Parse(session.Get(_source)), session.Get(_destination));
        if (AddressParser.Parse(to) is not (Address.Bucket { Reference: null } or Address.Registry { Reference: null } or Address.OciLayout { Tag: null }))
            throw Addressed.Bad(to, "--tags wants a destination for many images, without tag: s3://BUCKET[/REPO], file:DIR[//REPO], docker://HOST/REPO or oci:DIR.");
        return [.. (await RepositoryTags.ListAsync(session, repository, patterns, cancel)).Select(tag =>
        {
            Address from = repository is Address.Bucket bucket ? bucket with { Reference = tag } : (Address.Registry)repository with { Reference = tag };
            return (from, Destinations.Anywhere(to, from) is Address.OciLayout layout ? layout with { Tag = tag.Tag } : Destinations.Anywhere(to, from));
        })];
    }
}
