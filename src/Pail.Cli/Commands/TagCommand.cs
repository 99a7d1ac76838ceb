using System.CommandLine;
using Pail.Cli.Output;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

internal sealed class TagCommand : Verb
{
    private readonly Argument<string> _image = new("image") { HelpName = "IMAGE", Description = "An image in a bucket, by tag or digest" };
    private readonly Argument<string[]> _tags = new("tag") { HelpName = "TAG", Description = "The new tags, in the same repository", Arity = ArgumentArity.OneOrMore };

    public TagCommand(Terminal terminal)
        : base(terminal, "tag", "Make tags name an image of a bucket")
    {
        Add(_image);
        Add(_tags);
        AddSharedOptions(quiet: true, reads: false, writes: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail tag s3://acme/app:1.0 stable latest", "no bytes of layers move"),
        ("pail tag s3://acme/app@sha256:9f86d0... 1.0", "back to a known build"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        if (Addressed.Image(session.Get(_image)) is not Address.Bucket { Repository: { } name, Reference: { } reference } image)
            throw Addressed.Bad(session.Get(_image), "an image in a bucket is expected, s3://BUCKET/REPO:TAG or file:DIR//REPO:TAG.");
        var tags = session.Get(_tags);
        if (tags.FirstOrDefault(tag => !Reference.IsTag(tag)) is { } bad)
            throw Addressed.Bad(bad, "not a tag: letters, digits, '_', '.', '-', at most 128, not beginning with '.' or '-'.");
        var repository = (await session.Places.OpenBucketAsync(image.Root, cancel)).Repository(name);
        var manifest = await repository.Manifests.GetAsync(reference, cancel) ?? throw new PailException(Failure.NotFound, $"{image}: there is no such image.");
        if (reference.Digest is { } digest)
            await repository.Bucket.Holds.AddImageAsync(repository, digest, anyway: false, cancel);
        foreach (var tag in tags.Distinct())
        {
            await repository.Tags.PutAsync(manifest, tag, cancel);
            session.Say($"{image.Root.WithSeparator}{name}:{tag} is {manifest.Digest}");
        }
        session.Result(new TagResult(image.Root.WithSeparator + name, manifest.Digest.ToString(), tags, session.Cost), ResultsJson.Plain.TagResult, _ => { });
    }
}
