using System.CommandLine;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Cli.Output;
using Pail.Places;
using Pail.Stores;

namespace Pail.Cli.Commands;

internal sealed class InitCommand : Verb
{
    private readonly Argument<string> _bucket = new("bucket") { HelpName = "BUCKET", Description = "s3://BUCKET, s3://BUCKET/PREFIX// or file:DIR; made if it is not there" };
    private readonly Option<string?> _layout = new("--layout") { HelpName = "v2|pool", Description = "How objects are named: v2 can be pulled from without a server, pool stores each blob once [default: what the bucket has, or v2]" };
    private readonly Option<bool> _public = new("--public") { Description = "Let anybody pull from the bucket itself: keeps the lists registries have, and on S3 sets a bucket policy that allows reading" };
    private readonly Option<bool> _lists = new("--lists") { Description = "Keep the lists registries have, for an edge that reads with credentials, and open nothing" };

    public InitCommand(Terminal terminal)
        : base(terminal, "init", "Make a bucket a registry")
    {
        _layout.AcceptOnlyFromAmong("v2", "pool");
        Add(_bucket);
        Add(_layout);
        Add(_public);
        Add(_lists);
        AddSharedOptions(quiet: true, reads: false, writes: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail init s3://acme", "private: pulled with 'pail pull', by those who have credentials"),
        ("pail init s3://whale --public", "anybody pulls with docker, podman, ... from the bucket itself"),
        ("pail init s3://acme --lists", "closed, for a CDN that reads it with credentials of its own: 'pail edge cloudfront'"),
        ("pail init file:/srv/bucket --public", "the same in a folder, for any web server"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var root = AddressParser.ParseRoot(session.Get(_bucket));
        var layout = BucketLayout.Named(session.Get(_layout));
        bool? keepLists = session.Get(_public) || session.Get(_lists) ? true : null;
        if (layout is { CanBePublic: false } && keepLists == true)
            throw new PailException(Failure.BadInput, $"a {layout.Name} bucket can't be pulled from without a server or an edge: --public and --lists go with --layout v2.");
        var store = session.Places.OpenStore(root);
        var made = await session.Places.MakeBucketAsync(root, cancel);
        var bucket = await BucketSetup.RunAsync(store, session.Places.Engine, layout, keepLists, cancel);
        var settings = bucket.Settings;
        var name = BucketLayout.Of(settings.Layout).Name;
        session.Say($"{(made ? "Made" : "Set up")} {root}: layout {name}{(settings.Public ? ", with the lists that pulls from the bucket itself need" : "")}.");
        if (bucket.LacksRoot)
            session.Say($"{session.Terminal.Ink.Yellow("Not whole yet:")} the store takes no key that ends in '/'. A web server in front of the bucket must answer GET /v2/ with 200 and {{}}. See docs/public-buckets.md.");
        var opened = session.Get(_public) ? await OpenToAllAsync(session, store, root, cancel) : null;
        session.Result(new InitResult(root.ToString(), made, name, settings.Public, opened, session.Cost), ResultsJson.Plain.InitResult, _ => { });
    }

    // Returns what was opened, as the store keeps it; null where opening is somebody else's business.
    private static async Task<string?> OpenToAllAsync(VerbRun session, IObjectStore store, BucketRoot root, CancellationToken cancel)
    {
        if (store.Abilities.Admin is not { } admin)
        {
            session.Say("Now let a web server serve this folder; docs/public-buckets.md has a configuration for nginx.");
            return null;
        }
        try
        {
            // The registry's paths, and nothing else that may be in the bucket.
            var opened = await session.Places.Engine.Retry.RunAsync(token => admin.AllowAnonymousReadAsync(V2Layout.RootKey, token), cancel);
            session.Say($"Anybody can now read, without credentials, what is under {root.WithSeparator}{V2Layout.RootKey} (but not list it). The bucket's policy:{Environment.NewLine}{opened}");
            return opened;
        }
        catch (StoreException e) when (e.Error is StoreError.Unsupported or StoreError.Rejected)
        {
            // Stores without bucket policies, such as R2, are opened by other means; the bucket is ready for that.
            session.Say($"{session.Terminal.Ink.Yellow("Not opened yet:")} {e.Message.TrimEnd('.')}. See docs/public-buckets.md.");
            return null;
        }
    }
}
