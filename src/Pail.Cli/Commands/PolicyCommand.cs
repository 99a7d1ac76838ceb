using System.CommandLine;
using Pail.Buckets;
using Pail.Cli.Output;
using Pail.Oci;
using Pail.Places;
using Pail.Retention;

namespace Pail.Cli.Commands;

/// <summary><c>pail policy show</c>, <c>edit</c>, <c>check</c>, <c>set</c> and <c>import</c>.</summary>
internal sealed class PolicyCommand : Command
{
    public PolicyCommand(Terminal terminal)
        : base("policy", "Show and change what 'pail retain' keeps, and which tags are immutable")
    {
        Add(new PolicyShowCommand(terminal));
        Add(new PolicyEditCommand(terminal));
        Add(new PolicyCheckCommand(terminal));
        Add(new PolicySetCommand(terminal));
        Add(new PolicyImportCommand(terminal));
        // As without a verb at all.
        SetAction(parsed => new HelpWithExamples().Invoke(parsed));
    }

    /// <summary>The bucket whose policy it is.</summary>
    public static Argument<string> BucketArgument() => new("bucket") { HelpName = "BUCKET", Description = "s3://BUCKET, s3://BUCKET/PREFIX// or file:DIR" };
}

internal sealed class PolicyShowCommand : Verb
{
    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();

    public PolicyShowCommand(Terminal terminal)
        : base(terminal, "show", "Write the retention policy of a bucket to stdout")
    {
        Add(_bucket);
        AddSharedOptions(reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail policy show s3://acme > retention.yaml", "the file as it was written; fails with exit code 3 if there is none")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var bucket = await session.Places.OpenBucketAsync(AddressParser.ParseRoot(session.Get(_bucket)), cancel);
        var text = await RetentionFile.ReadTextAsync(bucket, cancel)
            ?? throw new PailException(Failure.NotFound, $"{bucket.Name} has no retention policy: nothing expires. 'pail policy edit {bucket.Name}' makes one.");
        var (policy, problems) = RetentionPolicy.Read(text);
        session.Result(PolicyReport.Of(bucket.Name, text, policy, problems, session.Cost), ResultsJson.Plain.PolicyReport, lines => lines.Write(text.EndsWith('\n') ? text : $"{text}\n"));
        if (problems.Count > 0)
            session.Say($"{session.Terminal.Ink.Yellow("Not valid:")} 'pail policy check {bucket.Name}' says why.");
    }
}

internal sealed class PolicyCheckCommand : Verb
{
    private readonly Argument<string> _where = new("where") { HelpName = "FILE|BUCKET", Description = "A local file, - for stdin, or the bucket whose policy is checked" };

    public PolicyCheckCommand(Terminal terminal)
        : base(terminal, "check", "Check a retention policy, in a local file or in a bucket")
    {
        Add(_where);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail policy check retention.yaml", "what is wrong, a line each, with line and column; exit code 5 if anything is")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var where = session.Get(_where);
        var name = where == "-" ? "stdin" : where;
        string? text;
        Bucket? bucket = null;
        if (where.StartsWith("s3://", StringComparison.Ordinal) || where.StartsWith("file:", StringComparison.Ordinal))
        {
            bucket = await session.Places.OpenBucketAsync(AddressParser.ParseRoot(where), cancel);
            (name, text) = (RetentionFile.NameIn(bucket), await RetentionFile.ReadTextAsync(bucket, cancel));
            if (text is null)
                throw new PailException(Failure.NotFound, $"{bucket.Name} has no retention policy: nothing expires.");
        }
        else
        {
            text = await WrittenFile.ReadAsync(session.Terminal, where, "a policy", RetentionPolicy.MaxSize, cancel);
        }
        var (policy, problems) = RetentionPolicy.Read(text);
        session.Result(PolicyReport.Of(name, null, policy, problems, session.Cost), ResultsJson.Plain.PolicyReport, lines =>
        {
            foreach (var problem in problems)
                lines.WriteLine($"{SafeText.OneLine(name)}:{problem}");
        });
        if (policy is null)
            throw new PailException(Failure.BadContent, $"{SafeText.OneLine(name)}: {problems.Count} {(problems.Count == 1 ? "mistake" : "mistakes")}. docs/retention.md has the grammar.");
        session.Say($"{SafeText.OneLine(name)}: valid; rules: {policy.Rules.Count}, pins: {policy.Pins.Count}, immutable: {(policy.Immutable.IsEmpty ? "none" : "some")}.");
        if (bucket is not null && bucket.Settings.Policy != RetentionFile.StatedOf(text))
            session.Say($"{session.Terminal.Ink.Yellow("Not in force:")} its immutable tags, since the file was not written by 'pail policy'. 'pail policy set' writes it.");
        var now = TimeProvider.System.GetUtcNow();
        foreach (var ended in policy.Pins.Where(pin => pin.Until <= now))
            session.Say($"{session.Terminal.Ink.Yellow("Ended:")} the pin of line {ended.Line} keeps nothing any more.");
    }
}

internal sealed class PolicySetCommand : Verb
{
    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();
    private readonly Argument<string> _file = new("file") { HelpName = "FILE", Description = "The policy, in YAML or JSON; - for stdin" };

    public PolicySetCommand(Terminal terminal)
        : base(terminal, "set", "Make a file the retention policy of a bucket, if it is valid")
    {
        Add(_bucket);
        Add(_file);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail policy set s3://acme retention.yaml", "as from a repository with the policy in it; nothing is dropped before 'pail retain' runs")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var file = session.Get(_file);
        var text = await WrittenFile.ReadAsync(session.Terminal, file, "a policy", RetentionPolicy.MaxSize, cancel);
        _ = RetentionPolicy.Parse(text, file == "-" ? "stdin" : SafeText.OneLine(file));
        var bucket = await session.Places.OpenBucketAsync(AddressParser.ParseRoot(session.Get(_bucket)), cancel);
        await PolicyReport.TellAsync(session, bucket, text, await RetentionFile.WriteAsync(bucket, text, cancel), cancel);
    }
}
