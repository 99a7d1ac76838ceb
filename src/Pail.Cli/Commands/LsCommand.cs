using System.CommandLine;
using Pail.Cli.Output;
using Pail.Images;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

internal sealed class LsCommand : Verb
{
    // Each takes a request or several, one after the other.
    private const int ImagesAtOnce = 8;

    private readonly Argument<string> _address = new("address") { HelpName = "ADDRESS", Description = "s3://BUCKET, s3://BUCKET/PREFIX// or file:DIR; with a repository after it, or docker://HOST/REPO, only that one; with -l also an image at any address" };
    private readonly Option<bool> _tags = new("--tags", "-t") { Description = "List each repository's tags as well" };
    private readonly Option<bool> _long = new("--long", "-l") { Description = "Tags with size and digest; the size is that of all layers and configs, compressed, each counted once an image" };

    public LsCommand(Terminal terminal)
        : base(terminal, "ls", "List the repositories of a bucket, or the tags of a repository")
    {
        Add(_address);
        Add(_tags);
        Add(_long);
        AddSharedOptions(registries: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail ls s3://acme", "one repository a line"),
        ("pail ls --tags s3://acme", "one image a line, as addresses to copy"),
        ("pail ls -l docker://registry.example.com/team/app", "the tags of a repository, with size and digest"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        switch (AddressParser.Parse(session.Get(_address)))
        {
            case Address.Bucket { Reference: null } bucket:
                await ListAsync(session, bucket, cancel);
                break;
            case Address.Registry { Reference: null } registry:
                var tags = await (await session.Places.ListTagsAsync(registry, cancel)).Order(StringComparer.Ordinal).ToListAsync(cancel);
                await TellAsync(session, $"docker://{registry.Host}", [(registry.Repository.ToString(), [.. tags.Select(tag => (tag, (Address)(registry with { Reference = Reference.Parse(tag) })))])], cancel);
                break;
            default:
                if (!session.Get(_long))
                    throw Addressed.Bad(session.Get(_address), "a bucket or a repository is expected, without tag or digest; with -l any image, and 'pail inspect' shows more of it.");
                var image = Addressed.Image(session.Get(_address));
                await TellAsync(session, image.ToString(), [(image.ToString(), [("", image)])], cancel);
                break;
        }
    }

    private async Task ListAsync(VerbRun session, Address.Bucket address, CancellationToken cancel)
    {
        var registry = await session.Places.OpenBucketAsync(address.Root, cancel);
        var names = address.Repository is { } only ? [only] : await registry.ListRepositoriesAsync(null, cancel).ToListAsync(cancel);
        var found = new List<(string, List<(string, Address)>?)>();
        foreach (var name in names)
            found.Add((name.ToString(), session.Get(_tags) || session.Get(_long) || address.Repository is not null
                ? await registry.Repository(name).Tags.ListAsync(null, cancel).Select(tag => (tag, (Address)new Address.Bucket(address.Root, name, Reference.Parse(tag)))).ToListAsync(cancel)
                : null));
        if (address.Repository is not null && found[0].Item2 is { Count: 0 })
            throw new PailException(Failure.NotFound, $"{address}: no such repository, or one without tags.");
        if (found.Count == 0)
            session.Say($"{address.Root} holds no image yet.");
        await TellAsync(session, address.Root.ToString(), found, cancel);
    }

    private async Task TellAsync(VerbRun session, string root, List<(string Name, List<(string Tag, Address Image)>? Images)> found, CancellationToken cancel)
    {
        var all = found.SelectMany(repository => repository.Images ?? []).Select(image => image.Image).ToList();
        Dictionary<Address, ImageListing>? details = null;
        if (session.Get(_long))
            details = await DescribeAsync(session, all, cancel);
        var listing = new BucketListing(root, [.. found.Select(repository => new RepositoryListing(repository.Name, repository.Images?.ConvertAll(image => image.Tag))
        {
            Images = details is null ? null : [.. repository.Images!.Select(image => details[image.Image])],
        })], session.Cost);
        session.Result(listing, ResultsJson.Plain.BucketListing, lines =>
        {
            if (details is not null)
            {
                Columns.Write(lines, [.. all.Select(image => new[] { ByteSize.Format(details[image].Size), details[image].Digest, image.ToString() })], new HashSet<int> { 0 });
                return;
            }
            foreach (var (name, images) in found)
            {
                if (images is null)
                    lines.WriteLine(name);
                foreach (var (_, image) in images ?? [])
                    lines.WriteLine(image.ToString());
            }
        });
    }

    private static async Task<Dictionary<Address, ImageListing>> DescribeAsync(VerbRun session, List<Address> images, CancellationToken cancel)
    {
        // Opened one by one, for their buckets are opened once; then read several at once.
        var sources = new List<IImageSource>();
        try
        {
            foreach (var image in images)
                sources.Add(await session.Places.OpenSourceAsync(image, cancel: cancel));
            var listings = new ImageListing[images.Count];
            await Parallel.ForAsync(0, images.Count, new ParallelOptions { MaxDegreeOfParallelism = ImagesAtOnce, CancellationToken = cancel }, async (index, token) =>
            {
                var root = await sources[index].GetRootAsync(token);
                listings[index] = new(images[index].ToString(), root.Digest.ToString(), root.MediaType, await ImageParts.SizeAsync(sources[index], root, token));
            });
            return images.Zip(listings).ToDictionary(pair => pair.First, pair => pair.Second);
        }
        finally
        {
            foreach (var source in sources)
                await source.DisposeAsync();
        }
    }
}
