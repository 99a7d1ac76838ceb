using System.CommandLine;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Places;

namespace Pail.Cli.Commands;

internal sealed class PullCommand : CopyVerb
{
    private readonly Argument<string> _image = new("image") { HelpName = "IMAGE", Description = "s3://BUCKET/REPO:TAG, file:DIR//REPO:TAG or docker://HOST/REPO:TAG; a digest by @sha256:..." };
    private readonly Argument<string?> _destination = new("destination")
    {
        HelpName = "DESTINATION",
        Description = "Where to [default: the local Docker Engine, with the same name and tag]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<DateTimeOffset?> _at = AtOption.Create();

    public PullCommand(Terminal terminal)
        : base(terminal, "pull", "Pull an image out of a bucket or a registry")
    {
        Add(_image);
        Add(_destination);
        Add(_at);
        AddCopyOptions();
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail pull s3://acme/app:1.0", "into the local Docker Engine, as app:1.0"),
        ("docker run $(pail pull -q s3://acme/app:1.0)", "what is written to stdout is the name docker knows"),
        ("pail pull s3://acme/app:1.0 oci:build/image", "into a folder, without Docker"),
        ("pail pull --at 2026-11-01 s3://acme/app:latest", "what the tag named then"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var from = Addressed.Image(session.Get(_image));
        if (from is not (Address.Bucket or Address.Registry))
            throw Addressed.Bad(session.Get(_image), "an image in a bucket or a registry is expected, s3://BUCKET/REPO:TAG, file:DIR//REPO:TAG or docker://HOST/REPO:TAG; 'pail copy' takes any source.");
        var to = session.GetOptional(_destination) is { } text ? Destinations.Anywhere(text, from) : Destinations.InEngine(from);
        await CopyAsync(session, await TaggedImage.AtAsync(session, from, session.Get(_at), cancel), to, cancel);
    }
}
