using System.CommandLine;
using System.CommandLine.Parsing;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Places;
using Pail.S3;

namespace Pail.Cli.Commands;

internal sealed class CopyCommand : CopyVerb
{
    private readonly Argument<string> _source = new("source") { HelpName = "SOURCE", Description = "An image, wherever it is; a repository with --tags; left out with --from-file" };
    private readonly Argument<string?> _destination = new("destination") { HelpName = "DESTINATION", Description = "Where to", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string[]> _tags = new("--tags") { HelpName = "PATTERN", Description = "All tags of the repository SOURCE that match, such as '1.*'; may be given several times", Arity = ArgumentArity.OneOrMore };
    private readonly Option<DateTimeOffset?> _since = SinceOption.Create();
    private readonly Option<DateTimeOffset?> _at = AtOption.Create();
    private readonly SourceStoreOptions _sources = new();
    private readonly Option<string?> _file = new("--from-file") { HelpName = "FILE", Description = "The images FILE names, an address a line, '#' before comments; '-' is stdin. Each goes under its own name to DESTINATION: a bucket, docker://HOST/[PREFIX/] or oci:DIR" };

    public CopyCommand(Terminal terminal)
        : base(terminal, "copy", "Copy an image from any address to any other")
    {
        Add(_source);
        Add(_destination);
        Add(_tags);
        Add(_since);
        Add(_file);
        Add(_at);
        Validators.Add(Check);
        AddCopyOptions();
        _sources.AddTo(this);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail copy s3://acme/app:1.0 s3://backup/app:1.0", "from bucket to bucket"),
        ("pail copy --platform linux/arm64 oci:image oci-archive:image.tar:1.0", "one platform of an index, into a tar file"),
        ("pail copy --platform linux/amd64,linux/arm64 docker://alpine s3://acme", "an index of these two only"),
        ("pail copy --tags '1.*' docker://registry.example.com/app s3://acme", "many images of a repository"),
        ("pail copy --tags '*' --since 7d s3://acme/app s3://backup", "those made in the last week"),
        ("pail copy --from-file images.txt s3://acme", "all that a file names"),
        ("pail copy --source-profile aws --profile r2 s3://acme/app:1.0 s3://backup/app:1.0", "from one S3 service to another, by two profiles of ~/.aws/config"),
    ];

    protected override IStoreProvider? SourceStores(ParseResult parsed) => _sources.AreGiven(parsed) ? new S3Provider(root => _sources.Read(parsed, root)) : null;

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        if (session.Sources != session.Places && session.Get(_file) is null && AddressParser.Parse(session.Get(_source)) is not Address.Bucket { Root: BucketRoot.Url { Scheme: S3Provider.SchemeName } })
            throw Addressed.Bad(session.Get(_source), "the --source options are for a bucket, s3://BUCKET/REPO:TAG.");
        // The only argument beside it is where to.
        if (session.Get(_file) is { } file)
            await CopyAsync(session, await ReferenceFile.ReadAsync(session.Terminal, file, session.Get(_source), cancel), cancel);
        else if (session.Get(_tags) is { Length: > 0 } patterns)
            await CopyAsync(session, await SelectAsync(session, patterns, cancel), cancel);
        else
            await CopyAsync(session, Addressed.Image(session.Get(_source)), cancel);
    }

    private async Task CopyAsync(VerbRun session, Address from, CancellationToken cancel) =>
        await CopyAsync(session, await TaggedImage.AtAsync(session, from, session.Get(_at), cancel), Destinations.Anywhere(session.GetOptional(_destination)!, from), cancel);

    private void Check(CommandResult given)
    {
        var destination = given.GetResult(_destination) is { Tokens.Count: > 0 };
        var (tags, since, file) = (given.GetResult(_tags) is not null, given.GetResult(_since) is not null, given.GetResult(_file) is not null);
        if (file && (destination || tags || since))
            given.AddError(destination ? "--from-file takes the place of SOURCE: DESTINATION alone is expected" : "--from-file excludes --tags and --since");
        else if (!file && !destination && given.GetResult(_source) is { Tokens.Count: > 0 })
            given.AddError("DESTINATION is missing");
        else if ((file || tags) && given.GetResult(_at) is not null)
            given.AddError("--at is for one image");
        else if (since && !tags)
            given.AddError("--since is for --tags; --tags '*' means all");
    }

    private async Task<IReadOnlyList<CopyItem>> SelectAsync(VerbRun session, string[] patterns, CancellationToken cancel)
    {
        var (repository, to) = (AddressParser.Parse(session.Get(_source)), session.GetOptional(_destination)!);
        if (AddressParser.Parse(to) is not (Address.Bucket { Reference: null } or Address.Registry { Reference: null } or Address.OciLayout { Tag: null }))
            throw Addressed.Bad(to, "--tags wants a destination for many images, without tag: s3://BUCKET[/REPO], file:DIR[//REPO], docker://HOST/REPO or oci:DIR.");
        IReadOnlyList<Address> images = [.. (await RepositoryTags.ListAsync(session, repository, patterns, cancel)).Select(tag =>
            repository is Address.Bucket bucket ? (Address)(bucket with { Reference = tag }) : (Address.Registry)repository with { Reference = tag })];
        if (session.Get(_since) is { } since)
            images = await RepositoryTags.SinceAsync(session, images, since, cancel);
        return [.. images.Select(from => new CopyItem(from.ToString(), "", () => (from, Complete(to, from))))];
    }

    private static Address Complete(string to, Address from) => Destinations.Anywhere(to, from) is Address.OciLayout layout ? layout with { Tag = Destinations.NameOf(from).Tag } : Destinations.Anywhere(to, from);
}
