using System.CommandLine;
using Pail.Cli.Output;
using Pail.Places;

namespace Pail.Cli.Commands;

internal sealed class PushCommand : CopyVerb
{
    private readonly Argument<string> _source = new("source") { HelpName = "SOURCE", Description = "app:1.0 (an image of the local Docker Engine), oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR, docker-archive:FILE[:NAME:TAG], or an image in another bucket" };
    private readonly Argument<string> _bucket = new("bucket") { HelpName = "BUCKET[/REPO[:TAG]]", Description = "s3://BUCKET/REPO:TAG or file:DIR//REPO:TAG, of which what is left out is taken from the source; or docker://HOST/REPO:TAG" };

    public PushCommand(Terminal terminal)
        : base(terminal, "push", "Push an image into a bucket")
    {
        Add(_source);
        Add(_bucket);
        AddCopyOptions();
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail push app:1.0 s3://acme", "from the local Docker Engine to s3://acme/app:1.0"),
        ("pail push oci:build/image s3://acme/team/app:1.0", "an image built without Docker"),
        ("pail push --explain-cost app:1.0 file:/srv/bucket//app:1.0", "what it would cost on S3"),
    ];

    protected override Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var from = Addressed.Image(session.Get(_source));
        var to = Destinations.InBucket(session.Get(_bucket), from);
        return CopyAsync(session, from, to, cancel);
    }
}
