using System.CommandLine;
using Pail.Cli.Output;
using Pail.Images;
using Pail.Io;
using Pail.Places;
using Pail.Transfer;

namespace Pail.Cli.Commands;

/// <summary><c>pail blob get</c> and <c>pail blob put</c>.</summary>
internal sealed class BlobCommand : Command
{
    public BlobCommand(Terminal terminal)
        : base("blob", "Read and write single blobs: layers, configs, anything by its digest")
    {
        Add(new BlobGetCommand(terminal));
        Add(new BlobPutCommand(terminal));
        // As without a verb at all.
        SetAction(parsed => new HelpWithExamples().Invoke(parsed));
    }
}

internal sealed class BlobGetCommand : Verb
{
    private readonly Argument<string> _image = new("image") { HelpName = "IMAGE", Description = "An image that names the blob, at any address" };
    private readonly Argument<string> _digest = new("digest") { HelpName = "DIGEST", Description = "The digest of its config, a layer or a manifest" };

    public BlobGetCommand(Terminal terminal)
        : base(terminal, "get", "Write a blob of an image to stdout; fails at the end if the bytes are not what the digest says")
    {
        Add(_image);
        Add(_digest);
        AddSharedOptions(json: false, moves: true, registries: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail blob get s3://acme/app:1.0 sha256:4b1f... | tar -tz", "what a layer holds")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var digest = Addressed.Digest(session.Get(_digest));
        await using var source = await session.Places.OpenSourceAsync(Addressed.Image(session.Get(_image)), cancel: cancel);
        var root = await source.GetRootAsync(cancel);
        if (await ImageParts.FindManifestAsync(source, root, digest, cancel) is { } manifest)
        {
            await session.Terminal.WriteBytesAsync(manifest.Bytes, cancel);
            return;
        }
        var blob = await ImageParts.FindBlobAsync(source, root, digest, cancel)
            ?? throw new PailException(Failure.NotFound, $"{source.Name}: neither the image nor one of its platforms names {digest}.");
        await using var verified = new VerifyingStream(await source.OpenBlobAsync(blob, 0, cancel), blob);
        await verified.CopyToAsync(session.Terminal.Out, 1 << 20, cancel);
        await session.Terminal.Out.FlushAsync(cancel);
    }
}

internal sealed class BlobPutCommand : Verb
{
    private readonly Argument<string> _repository = new("repository") { HelpName = "REPOSITORY", Description = "s3://BUCKET/REPO, file:DIR//REPO or docker://HOST/REPO" };
    private readonly Argument<string> _file = new("file") { HelpName = "FILE", Description = "The file; - for stdin" };

    public BlobPutCommand(Terminal terminal)
        : base(terminal, "put", "Store a file as a blob, and write its digest")
    {
        Add(_repository);
        Add(_file);
        AddSharedOptions(quiet: true, moves: true, reads: false, writes: true, registries: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail blob put s3://acme/app sbom.json", "what is written to stdout is its digest, for a manifest to name")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var path = session.Get(_file);
        await using var blob = path == "-" ? await FileBlob.OfStreamAsync(session.Terminal.InputBytes, cancel) : await FileBlob.OfFileAsync(path, cancel);
        var to = Addressed.Place(session.Get(_repository));
        await using var sink = await session.Places.OpenSinkAsync(to, to, session.Places, cancel);
        var outcome = await sink.PutBlobAsync(blob.Descriptor, blob.OpenAsync, NoProgress.Instance, cancel);
        session.Say($"{ByteSize.Format(blob.Descriptor.Size)}, {BlobWords.Outcome(outcome)}");
        session.Result(
            new BlobResult(session.Get(_repository), blob.Descriptor.Digest.ToString(), blob.Descriptor.Size, outcome == BlobOutcome.Sent, session.Cost),
            ResultsJson.Plain.BlobResult, lines => lines.WriteLine(blob.Descriptor.Digest.ToString()));
    }
}
