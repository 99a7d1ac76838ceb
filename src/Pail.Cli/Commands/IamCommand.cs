using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pail.Buckets.Layouts;
using Pail.Cli.Output;
using Pail.Places;
using Pail.S3;

namespace Pail.Cli.Commands;

/// <summary><c>pail iam reader</c>, <c>pusher</c>, <c>server</c> and <c>collector</c>.</summary>
internal sealed class IamCommand : Command
{
    public IamCommand(Terminal terminal)
        : base("iam", "Print the policy that gives a user or role the least that it needs")
    {
        Add(new IamVerb(terminal, BucketRole.Reader, "reader", "The policy of who pulls and lists"));
        Add(new IamVerb(terminal, BucketRole.Pusher, "pusher", "The policy of who pushes and pulls, such as CI"));
        Add(new IamVerb(terminal, BucketRole.Server, "server", "The policy of 'pail serve'"));
        Add(new IamVerb(terminal, BucketRole.Collector, "collector", "The policy of who runs 'pail gc', 'rm', 'undelete' and 'rollback'"));
        SetAction(parsed => new HelpWithExamples().Invoke(parsed));
    }
}

/// <summary>Prints the policy of one role.</summary>
internal sealed class IamVerb : Verb
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Argument<string> _bucket = new("bucket") { HelpName = "BUCKET", Description = "s3://BUCKET or s3://BUCKET/PREFIX//" };
    private readonly Option<string?> _layout = new("--layout") { HelpName = "v2|pool", Description = "The bucket's layout, so that the bucket need not be asked [default: what the bucket says]" };
    private readonly BucketRole _role;

    public IamVerb(Terminal terminal, BucketRole role, string name, string description)
        : base(terminal, name, description)
    {
        _role = role;
        _layout.AcceptOnlyFromAmong("v2", "pool");
        Add(_bucket);
        Add(_layout);
        AddSharedOptions(json: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ($"aws iam put-user-policy --user-name ci --policy-name pail --policy-document \"$(pail iam {Name} s3://acme)\"", ""),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        if (AddressParser.ParseRoot(session.Get(_bucket)) is not BucketRoot.Url root)
            throw Addressed.Bad(session.Get(_bucket), "is a folder; policies are for buckets, such as s3://acme.");
        var layout = BucketLayout.Named(session.Get(_layout)) ?? (await session.Places.OpenBucketAsync(root, cancel)).Layout;
        var place = BucketPlace.Find(session.Reach(root));
        session.Terminal.Lines.WriteLine(LeastPolicy.Write(LeastPolicy.Of(_role, layout), place, root.Bucket, root.Prefix).ToJsonString(Readable));
    }
}
