using System.CommandLine;
using System.Globalization;
using Pail.Access;
using Pail.Buckets;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

/// <summary><c>pail robot create</c>, <c>ls</c>, <c>rotate</c> and <c>rm</c>.</summary>
internal sealed class RobotCommand : Command
{
    public RobotCommand(Terminal terminal)
        : base("robot", "Users for programs, kept in the bucket, that log in to 'pail serve'")
    {
        Add(new RobotCreateCommand(terminal));
        Add(new RobotListCommand(terminal));
        Add(new RobotRotateCommand(terminal));
        Add(new RobotRemoveCommand(terminal));
        // As without a verb at all.
        SetAction(parsed => new HelpWithExamples().Invoke(parsed));
    }

    public static Argument<string> NameArgument() => new("name") { HelpName = "NAME", Description = "What the robot is called: lower-case letters, digits, '.', '_' and '-'" };

    /// <summary>The bucket and the name that a command is about.</summary>
    public static async Task<(Bucket Bucket, string Name)> OpenAsync(VerbRun session, Argument<string> bucket, Argument<string> name, CancellationToken cancel) => Robot.IsName(session.Get(name))
        ? (await session.Places.OpenBucketAsync(AddressParser.ParseRoot(session.Get(bucket)), cancel), session.Get(name))
        : throw new PailException(Failure.BadInput, $"'{SafeText.OneLine(session.Get(name))}' is no name for a robot: lower-case letters and digits are expected, with '.', '_' or '-' between them.");

    /// <summary>Tells the secret, this once: to stdout alone, so that it can go where it is kept.</summary>
    public static void Tell(VerbRun session, Robot robot, string secret, string more)
    {
        session.Result(new RobotMade(robot.Name, robot.Login, secret, robot.Expires) { Requests = session.Cost }, ResultsJson.Plain.RobotMade, lines => lines.WriteLine(secret));
        session.Say($"It logs in as {robot.Login} with this secret, which is not shown again. {more}");
    }

    public static string Date(DateTimeOffset? time) => time is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture) : "never";
}

internal sealed class RobotCreateCommand : Verb
{
    private static readonly TimeSpan Quarter = TimeSpan.FromDays(90);

    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();
    private readonly Argument<string> _name = RobotCommand.NameArgument();
    private readonly Option<string[]> _repositories = new("--repo") { HelpName = "PATTERN", Description = "The repositories that it may do something in; may be repeated", Required = true };
    private readonly Option<string> _actions = new("--actions") { HelpName = "ACTION,...", Description = "What it may do there: pull, push, delete, list, admin", DefaultValueFactory = _ => "pull" };
    private readonly Option<TimeSpan?> _expires = DurationOption.Create("--expires", "After what time it ends [default: 90d]", TimeSpan.FromMinutes(1));

    public RobotCreateCommand(Terminal terminal)
        : base(terminal, "create", "Make a robot, and show its secret this once")
    {
        Add(_bucket);
        Add(_name);
        Add(_repositories);
        Add(_actions);
        Add(_expires);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail robot create s3://acme ci --repo 'team/*' --actions pull,push --expires 30d", "prints the secret; rules of the server that deny something hold for robots too")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var (bucket, name) = await RobotCommand.OpenAsync(session, _bucket, _name, cancel);
        var now = TimeProvider.System.GetUtcNow();
        var (robot, secret) = Make(name, session.Get(_repositories)!, session.Get(_actions)!.Split(',', StringSplitOptions.TrimEntries), now, now + (session.Get(_expires) ?? Quarter));
        await RobotFile.CreateAsync(bucket, robot, cancel);
        RobotCommand.Tell(session, robot, secret, $"It ends {RobotCommand.Date(robot.Expires)}.");
    }

    private static (Robot Robot, string Secret) Make(string name, string[] repositories, string[] actions, DateTimeOffset now, DateTimeOffset expires)
    {
        try
        {
            return Robot.Create(name, repositories, actions, now, expires);
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, $"{e.Message.TrimEnd('.')}.", e);
        }
    }
}

internal sealed class RobotListCommand : Verb
{
    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();

    public RobotListCommand(Terminal terminal)
        : base(terminal, "ls", "List the robots of a bucket")
    {
        Add(_bucket);
        AddSharedOptions(reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail robot ls s3://acme", "name, actions, repositories, how many secrets are good, when it ends")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var bucket = await session.Places.OpenBucketAsync(AddressParser.ParseRoot(session.Get(_bucket)), cancel);
        var now = TimeProvider.System.GetUtcNow();
        var robots = await RobotFile.ListAsync(bucket, cancel);
        var entries = robots.Select(robot => new RobotEntry(robot.Name, robot.Repositories, robot.Actions, robot.Secrets.Count(secret => robot.Holds(secret.Hash, now)), robot.Created, robot.Expires, robot.IsAlive(now))).ToList();
        session.Result(new RobotListing(bucket.Name, entries) { Requests = session.Cost }, ResultsJson.Plain.RobotListing, lines => Columns.Write(
            lines,
            [.. entries.Select(robot => (string[])[robot.Name, string.Join(',', robot.Actions), string.Join(',', robot.Repositories), $"{robot.Secrets} {(robot.Secrets == 1 ? "secret" : "secrets")}", robot.Alive ? $"ends {RobotCommand.Date(robot.Expires)}" : "ended"])]));
    }
}

internal sealed class RobotRotateCommand : Verb
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();
    private readonly Argument<string> _name = RobotCommand.NameArgument();
    private readonly Option<TimeSpan?> _overlap = DurationOption.Create("--overlap", "How long the secret of before is good beside it [default: 1d]");

    public RobotRotateCommand(Terminal terminal)
        : base(terminal, "rotate", "Give a robot a new secret, and show it this once")
    {
        Add(_bucket);
        Add(_name);
        Add(_overlap);
        AddSharedOptions(quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail robot rotate s3://acme ci --overlap 7d", "the secret of before is good for a week more; with --overlap 0s it ends at once")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var (bucket, name) = await RobotCommand.OpenAsync(session, _bucket, _name, cancel);
        var now = TimeProvider.System.GetUtcNow();
        var until = now + (session.Get(_overlap) ?? Day);
        var (robot, secret) = await RobotFile.RotateAsync(bucket, name, now, until, cancel);
        RobotCommand.Tell(session, robot, secret, $"The one before ends {RobotCommand.Date(until)}.");
    }
}

internal sealed class RobotRemoveCommand : Verb
{
    private readonly Argument<string> _bucket = PolicyCommand.BucketArgument();
    private readonly Argument<string> _name = RobotCommand.NameArgument();

    public RobotRemoveCommand(Terminal terminal)
        : base(terminal, "rm", "Remove a robot: servers refuse it within half a minute")
    {
        Add(_bucket);
        Add(_name);
        AddSharedOptions(json: false, quiet: true, reads: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail robot rm s3://acme ci", "its tokens end too")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var (bucket, name) = await RobotCommand.OpenAsync(session, _bucket, _name, cancel);
        await RobotFile.RemoveAsync(bucket, name, cancel);
        session.Say($"Removed the robot {name}.");
    }
}
