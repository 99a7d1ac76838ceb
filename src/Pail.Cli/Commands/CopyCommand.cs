using System.CommandLine;
using Pail.Cli.Output;

namespace Pail.Cli.Commands;

internal sealed class CopyCommand : CopyVerb
{
    private readonly Argument<string> _source = new("source") { HelpName = "SOURCE", Description = "An image, wherever it is" };
    private readonly Argument<string> _destination = new("destination") { HelpName = "DESTINATION", Description = "Where to" };

    public CopyCommand(Terminal terminal)
        : base(terminal, "copy", "Copy an image from any address to any other")
    {
        Add(_source);
        Add(_destination);
        AddCopyOptions();
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail copy s3://acme/app:1.0 s3://backup/app:1.0", "from bucket to bucket"),
        ("pail copy --platform linux/arm64 oci:image oci-archive:image.tar:1.0", "one platform of an index, into a tar file"),
    ];

    protected override Task RunAsync(Session session, CancellationToken cancel)
    {
        var from = Addressed.Image(session.Get(_source));
        return CopyAsync(session, from, Destinations.Anywhere(session.Get(_destination), from), cancel);
    }
}
