using System.CommandLine;
using Pail.Buckets;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Oci;
using Pail.Places;
using Pail.Removal;

namespace Pail.Cli.Commands;

internal sealed class RmCommand : Verb
{
    private readonly Argument<string[]> _images = new("image") { HelpName = "ADDRESS", Description = "A tag, digest, repository, or a pattern of tags or repositories, in a bucket ('*' is any characters of one segment, '**' any characters); a tag, a digest or a pattern of tags of docker://HOST/REPO", Arity = ArgumentArity.OneOrMore };
    private readonly Option<TimeSpan?> _age = DurationOption.Create("--older-than", "Only what was written longer ago; of a repository, its tags");
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Tell what would be removed and what stays, and remove nothing" };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Don't ask before more is removed than tags named one by one" };
    private readonly Option<bool> _purge = new("--purge") { Description = "Keep nothing that 'pail undelete' could bring back" };

    public RmCommand(Terminal terminal)
        : base(terminal, "rm", "Remove tags, images and repositories; 'pail undelete' brings them back, 'pail gc' frees their bytes")
    {
        Add(_images);
        foreach (var option in new Option[] { _age, _dryRun, _yes, _purge })
            Add(option);
        AddSharedOptions(quiet: true, reads: false, writes: true, registries: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail rm s3://acme/app:1.0-rc1 s3://acme/app:1.0-rc2", "fails with exit code 3 if one of them is not there, and removes none"),
        ("pail rm --older-than 30d 's3://acme/team/*:pr-*'", "tags by a pattern, after a question"),
        ("pail rm --dry-run s3://acme/app@sha256:9f86d0...", "what goes with an image, what needs it, what would be left"),
        ("pail rm --yes s3://acme/old/app", "a whole repository"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        // All are read before the first is removed.
        var buckets = new Dictionary<BucketRoot, List<ImagePattern>>();
        var registries = new List<RegistryRemoval>();
        foreach (var text in session.Get(_images))
            if (AddressParser.ParsePattern(text) is var (root, images))
                (buckets.TryGetValue(root, out var known) ? known : buckets[root] = []).Add(images);
            else if (session.Get(_age) is null && !session.Get(_purge))
                registries.Add(await RegistryRemoval.PlanAsync(session, text, cancel));
            else
                throw Addressed.Bad(text, "--older-than and --purge are for buckets.");
        var plans = new List<(BucketRoot Root, Bucket Bucket, IReadOnlyList<ImagePattern> Images, RemovalPlan Plan)>();
        foreach (var (root, images) in buckets)
        {
            var bucket = await session.Places.OpenBucketAsync(root, cancel);
            plans.Add((root, bucket, images, await new RemovalPlanner(bucket, bucket.Now - session.Get(_age)).PlanAsync(images, cancel)));
        }
        var planned = plans.SelectMany(item => item.Plan.Tags.Concat(item.Plan.Manifests).Select(removal => item.Root.WithSeparator + removal)).Concat(registries.SelectMany(item => item.Addresses)).ToList();
        var notes = plans.SelectMany(item => item.Plan.Notes.Concat(item.Plan.Warnings)).ToList();
        var dryRun = session.Get(_dryRun);
        foreach (var (_, bucket, images, plan) in plans)
            if (dryRun && plan.Missing is [var missing, ..])
                throw new PailException(Failure.NotFound, $"{bucket.Name}, {missing}");
            else
                await new Remover(bucket, session.Get(_purge)).RequireAllAsync(plan, images, cancel);
        foreach (var note in notes)
            session.Say(note);
        if (!dryRun && (plans.Any(item => item.Plan.NeedsConsent && !item.Plan.IsEmpty) || registries.Exists(item => item.NeedsConsent)))
            Consent.Require(session, planned, session.Get(_yes), "remove");
        var outcome = new RemovalOutcome(session);
        if (!dryRun)
        {
            foreach (var (root, bucket, images, plan) in plans)
                outcome.Add(root.WithSeparator, await new Remover(bucket, session.Get(_purge)).RunAsync(plan, images, cancel));
            foreach (var removal in registries)
                await removal.RunAsync(outcome, cancel);
        }
        if (planned.Count == 0 && outcome.Mended == 0)
            throw new PailException(Failure.NotFound, $"{SafeText.OneLine(string.Join(", ", session.Get(_images)), 400)}: there is nothing to remove.");
        outcome.Tell(dryRun ? planned : null, notes);
    }
}
