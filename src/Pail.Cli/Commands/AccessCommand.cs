using System.CommandLine;
using Pail.Access;
using Pail.Buckets;
using Pail.Cli.Output;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

/// <summary><c>pail access check</c>, <c>explain</c>, <c>set</c> and <c>prepare</c>.</summary>
internal sealed class AccessCommand : Command
{
    public AccessCommand(Terminal terminal)
        : base("access", "Check and explain the rules that 'pail serve' asks who may do what")
    {
        Add(new AccessCheckCommand(terminal));
        Add(new AccessExplainCommand(terminal));
        Add(new AccessSetCommand(terminal));
        Add(new AccessPrepareCommand(terminal));
        // As without a verb at all.
        SetAction(parsed => new HelpWithExamples().Invoke(parsed));
    }

    /// <summary>Reads the rules of a file, or of a bucket.</summary>
    public static async Task<(string Name, string Text)> ReadAsync(VerbRun session, string where, CancellationToken cancel)
    {
        if (!WrittenFile.IsBucket(where))
            return (where == "-" ? "stdin" : SafeText.OneLine(where), await WrittenFile.ReadAsync(session.Terminal, where, "access rules", AccessRules.MaxSize, cancel));
        var bucket = await session.Places.OpenBucketAsync(AddressParser.ParseRoot(where), cancel);
        return await AccessFile.ReadTextAsync(bucket, cancel) is { } text
            ? (AccessFile.NameIn(bucket), text)
            : throw new PailException(Failure.NotFound, $"{bucket.Name} has no access rules. 'pail access set {bucket.Name} FILE' gives it some.");
    }
}

internal sealed class AccessCheckCommand : Verb
{
    private readonly Argument<string> _where = new("where") { HelpName = "FILE|BUCKET", Description = "A local file, - for stdin, or the bucket whose rules are checked" };

    public AccessCheckCommand(Terminal terminal)
        : base(terminal, "check", "Check access rules, in a local file or in a bucket")
    {
        Add(_where);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail access check access.yaml", "what is wrong, a line each, with line and column; exit code 5 if anything is")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var (name, text) = await AccessCommand.ReadAsync(session, session.Get(_where), cancel);
        var (rules, problems) = AccessRules.Read(text);
        session.Result(new AccessReport(name, rules is not null, problems) { Rules = rules?.Rules.Count, Requests = session.Cost }, ResultsJson.Plain.AccessReport, lines =>
        {
            foreach (var problem in problems)
                lines.WriteLine($"{name}:{problem}");
        });
        if (rules is null)
            throw new PailException(Failure.BadContent, $"{name}: {problems.Count} {(problems.Count == 1 ? "mistake" : "mistakes")}. docs/access.md has the grammar.");
        session.Say($"{name}: valid; rules: {rules.Rules.Count}{(rules.Rules.Count == 0 ? ", so nobody may do anything" : "")}.");
    }
}

internal sealed class AccessExplainCommand : Verb
{
    private readonly Argument<string> _action = new("action") { HelpName = "ACTION", Description = string.Join(", ", AccessWords.All) };
    private readonly Argument<string> _repository = new("repository") { HelpName = "REPO", Description = "The name of a repository" };
    private readonly Option<string?> _rules = new("--access") { HelpName = "FILE|BUCKET", Description = "The rules: a local file, - for stdin, or the bucket that has them [default: PAIL_ACCESS]" };
    private readonly Option<string?> _as = new("--as") { HelpName = "SUBJECT", Description = "anonymous, user:NAME, robot:NAME, or issuer:NAME,CLAIM=VALUE,... [default: anonymous]" };

    public AccessExplainCommand(Terminal terminal)
        : base(terminal, "explain", "Say whether a subject may do something, and which rule decides")
    {
        Add(_action);
        Add(_repository);
        Add(_rules);
        Add(_as);
        AddSharedOptions(reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail access explain push team/app --as user:alice --access access.yaml", "allowed or denied, and the line of the rule"),
        ("pail access explain pull team/app --as issuer:github,repository_id=42 --access s3://acme", "by the rules of the bucket"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        if (AccessWords.Read(session.Get(_action)) is not { } action)
            throw new PailException(Failure.BadInput, $"'{SafeText.OneLine(session.Get(_action))}' is no action: {string.Join(", ", AccessWords.All)}.");
        if (!RepositoryName.TryParse(session.Get(_repository), out var repository))
            throw new PailException(Failure.BadInput, $"'{SafeText.OneLine(session.Get(_repository))}' is not the name of a repository.");
        var subject = SubjectOf(session.Get(_as) ?? "anonymous");
        var where = session.Get(_rules) ?? Environment.GetEnvironmentVariable("PAIL_ACCESS") ?? throw new PailException(Failure.BadInput, "which rules? --access FILE, or the bucket that has them.");
        var (name, text) = await AccessCommand.ReadAsync(session, where, cancel);
        var (allowed, rule) = AccessRules.Parse(text, name).Decide(subject, action, repository.ToString());
        var verdict = allowed ? "allowed" : "denied";
        var why = rule is null ? "no rule allows it" : $"{rule} {(allowed ? "allows" : "denies")} it";
        session.Result(new AccessExplanation(subject.ToString(), AccessWords.Of(action), repository.ToString(), allowed) { Line = rule?.Line, Rule = rule?.Name, Requests = session.Cost }, ResultsJson.Plain.AccessExplanation, lines =>
            lines.WriteLine($"{verdict}: {why}"));
    }

    private static Subject SubjectOf(string text)
    {
        try
        {
            return Subject.Parse(text);
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, $"--as {e.Message}.", e);
        }
    }
}

internal sealed class AccessSetCommand : Verb
{
    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();
    private readonly Argument<string> _file = new("file") { HelpName = "FILE", Description = "The rules, in YAML or JSON; - for stdin" };

    public AccessSetCommand(Terminal terminal)
        : base(terminal, "set", "Make a file the access rules of a bucket, if it is valid")
    {
        Add(_bucket);
        Add(_file);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail access set s3://acme access.yaml", "servers that go by the bucket's rules follow within a minute; others when they are started again")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var (name, text) = await AccessCommand.ReadAsync(session, session.Get(_file), cancel);
        var rules = AccessRules.Parse(text, name);
        var bucket = await session.Places.OpenBucketAsync(AddressParser.ParseRoot(session.Get(_bucket)), cancel);
        var changed = await AccessFile.WriteAsync(bucket, text, cancel);
        session.Say(changed ? $"Wrote {AccessFile.NameIn(bucket)}." : $"{AccessFile.NameIn(bucket)} stays as it is.");
        if (bucket is { SharesBlobs: true, Settings.Holds: false })
            session.Say($"Its repositories share their blobs. 'pail access prepare {bucket.Name}' writes down which holds what: before that, what is there can't be pulled by digest from a server with rules.");
        session.Result(new AccessReport(bucket.Name, true, []) { Rules = rules.Rules.Count, Changed = changed, Requests = session.Cost }, ResultsJson.Plain.AccessReport, _ => { });
    }
}

internal sealed class AccessPrepareCommand : Verb
{
    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();

    public AccessPrepareCommand(Terminal terminal)
        : base(terminal, "prepare", "Write down which repositories of a pool hold what, from their tags, before rules are switched on")
    {
        Add(_bucket);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail access prepare s3://acme", "once; pushes write it down themselves from then on")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var bucket = await session.Places.OpenBucketAsync(AddressParser.ParseRoot(session.Get(_bucket)), cancel);
        var (written, damaged) = await bucket.Holds.PrepareAsync(cancel);
        session.Say(bucket.SharesBlobs ? $"{bucket.Name}: wrote {written} {(written == 1 ? "hold" : "holds")}." : $"{bucket.Name}: nothing to do, each repository has blobs of its own.");
        session.Result(new AccessPrepared(bucket.Name, written, damaged) { Requests = session.Cost }, ResultsJson.Plain.AccessPrepared, _ => { });
        if (damaged.Count > 0)
            throw new PailException(Failure.BadContent, $"{bucket.Name}: damaged, so that their parts can't be pulled: {string.Join(", ", damaged.Take(5))}{(damaged.Count > 5 ? $" and {damaged.Count - 5} more" : "")}.");
    }
}
