using System.CommandLine;
using Pail.Buckets;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Collect;
using Pail.Oci;
using Pail.Places;
using Pail.Retention;

namespace Pail.Cli.Commands;

internal sealed class RetainCommand : Verb
{
    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();
    private readonly Option<string[]> _inUse = new("--in-use") { HelpName = "FILE", Description = "A list of what runs, which stays: what kubectl, docker or nomad print, or references; - for stdin; may be repeated" };
    private readonly CollectingOptions _collecting = new();

    public RetainCommand(Terminal terminal)
        : base(terminal, "retain", "Drop the tags that a bucket's policy no longer keeps, and remove what no image needs")
    {
        Add(_bucket);
        Add(_inUse);
        _collecting.AddTo(this);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail retain --dry-run s3://acme", "for each tag, which line of the policy keeps or drops it, and what that frees"),
        ("kubectl get pods -A -o json | pail retain s3://acme --in-use -", "what runs stays; as from cron, it asks nothing"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var root = AddressParser.ParseRoot(session.Get(_bucket));
        // Read before anything else: a list that can't be read must not look like one that names nothing.
        var inUse = new List<InUseList>();
        foreach (var file in session.Get(_inUse) ?? [])
            inUse.Add(await ReadAsync(session, file, cancel));
        var bucket = await session.Places.OpenBucketAsync(root, cancel);
        var policy = (await RetentionFile.ReadAsync(bucket, cancel))?.Policy
            ?? throw new PailException(Failure.NotFound, $"{bucket.Name} has no retention policy: nothing expires. 'pail policy edit {bucket.Name}' makes one.");
        var options = _collecting.Read(session);
        if (!options.DryRun)
            bucket = await bucket.Conditions.RenewAsync(cancel);
        var report = await new RetentionRun(bucket, policy, inUse, options, session.Say).RunAsync(cancel);
        RetainResult.Tell(session, root.ToString(), report, policy.HistoryKeep, options);
        CollectResult.Check(root.ToString(), report.Collected);
    }

    private static async Task<InUseList> ReadAsync(VerbRun session, string file, CancellationToken cancel)
    {
        if (Directory.Exists(file))
            throw Addressed.Bad(file, "it is a folder; a list of what runs is expected.");
        var name = file == "-" ? "stdin" : SafeText.OneLine(file);
        await using var opened = file == "-" ? null : File.OpenRead(file);
        var list = await InUseList.ReadAsync(opened ?? session.Terminal.InputBytes, name, cancel);
        foreach (var unclear in list.Unclear)
            session.Terminal.Error.WriteLine($"{session.Terminal.Ink.Yellow("warning:")} {name}: {SafeText.OneLine(unclear)} names no image, so nothing is kept for it");
        return list;
    }
}
