using System.CommandLine;
using Pail.Buckets;
using Pail.Cli.Output;
using Pail.Places;
using Pail.Stores;

namespace Pail.Cli.Commands;

/// <summary>What is opened or closed, and asks before it is done.</summary>
internal abstract class PublishVerb : Verb
{
    private readonly Argument<string> _address = new("address") { HelpName = "BUCKET[/REPO]", Description = "s3://BUCKET, s3://BUCKET/REPO, or with s3://BUCKET/PREFIX// before the repository" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Print the policy that the bucket would have, and change nothing" };
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Don't ask before the policy is changed" };

    protected PublishVerb(Terminal terminal, string name, string description)
        : base(terminal, name, description)
    {
        Add(_address);
        Add(_dryRun);
        Add(_yes);
        AddSharedOptions(quiet: true, reads: false, writes: true);
    }

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        if (AddressParser.Parse(session.Get(_address)) is not Address.Bucket { Root: BucketRoot.Url root, Reference: null } address)
            throw Addressed.Bad(session.Get(_address), "a bucket or a repository of one is expected, such as s3://acme or s3://acme/app.");
        var bucket = await session.Places.OpenBucketAsync(root, cancel);
        if (bucket.Store.Innermost is not IPublicRead store)
            throw new PailException(Failure.BadInput, $"{root}: this kind of store has no policies.");
        var part = new PublicPart(bucket, address.Repository);
        var change = await PlanAsync(session, part, store, cancel);
        var dryRun = session.Get(_dryRun);
        if (!change.IsNone)
        {
            session.Say(change.After is { } policy ? $"The bucket's policy {(dryRun ? "would be" : "will be")}:{Environment.NewLine}{policy}" : "The bucket will have no policy.");
            if (!dryRun)
                Consent.Require(session, [address.ToString()], session.Get(_yes), Name);
        }
        if (!dryRun)
            await ApplyAsync(session, part, address, change, store, cancel);
        session.Result(new PublishResult(address.ToString(), !change.IsNone, change.After, dryRun ? true : null, session.Cost), ResultsJson.Plain.PublishResult, _ => { });
    }

    /// <summary>What changes; nothing is changed yet.</summary>
    protected abstract Task<PolicyChange> PlanAsync(VerbRun session, PublicPart part, IPublicRead store, CancellationToken cancel);

    /// <summary>Changes it, and checks what anybody can do now.</summary>
    protected abstract Task ApplyAsync(VerbRun session, PublicPart part, Address.Bucket address, PolicyChange change, IPublicRead store, CancellationToken cancel);
}

internal sealed class PublishCommand(Terminal terminal) : PublishVerb(terminal, "publish", "Let anybody pull from a bucket, or from one repository of it")
{
    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail publish s3://acme/team/app", "one repository; shows the bucket's policy and asks"),
        ("pail publish --yes s3://acme", "all repositories, now and later"),
        ("pail publish --dry-run s3://acme", "the policy, for somebody else to set"),
    ];

    protected override async Task<PolicyChange> PlanAsync(VerbRun session, PublicPart part, IPublicRead store, CancellationToken cancel)
    {
        await part.CheckAsync(cancel);
        return await session.Places.Engine.Retry.RunAsync(token => store.PlanOpenAsync(part.Scope, part.Patterns, token), cancel);
    }

    protected override async Task ApplyAsync(VerbRun session, PublicPart part, Address.Bucket address, PolicyChange change, IPublicRead store, CancellationToken cancel)
    {
        // What clients ask for beside images has to be there before they are let in.
        if (part.Bucket.Layout.CanBePublic)
            await BucketSetup.RunAsync(session.Places.OpenStore(address.Root), session.Places.Engine, null, open: true, cancel);
        await session.Places.Engine.Retry.RunAsync(token => store.ApplyAsync(change, token), cancel);
        await new PublicCheck(session, part, (BucketRoot.Url)address.Root, store).RunAsync(open: true, cancel);
        session.Say($"{(change.IsNone ? "Already published" : "Published")} {address}: anybody can read it, and list nothing.");
    }
}

internal sealed class UnpublishCommand(Terminal terminal) : PublishVerb(terminal, "unpublish", "Take back what 'pail publish' or 'pail init --public' opened")
{
    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail unpublish s3://acme/team/app", "one repository that was published by itself"),
        ("pail unpublish --yes s3://acme", "the whole bucket, and each repository that was published by itself"),
    ];

    protected override async Task<PolicyChange> PlanAsync(VerbRun session, PublicPart part, IPublicRead store, CancellationToken cancel)
    {
        var retry = session.Places.Engine.Retry;
        var change = await retry.RunAsync(token => store.PlanCloseAsync(part.Repository is null ? "" : part.Scope, token), cancel);
        var whole = new PublicPart(part.Bucket, null);
        if (part.Repository is { } name && change.Before is not null && !(await retry.RunAsync(token => store.PlanCloseAsync(whole.Scope, token), cancel)).IsNone)
            throw new PailException(Failure.Conflict, $"{part.Bucket.Name} is published as a whole, and {name} with it. Publish the repositories that are to stay public one by one, then unpublish the bucket.");
        return change;
    }

    protected override async Task ApplyAsync(VerbRun session, PublicPart part, Address.Bucket address, PolicyChange change, IPublicRead store, CancellationToken cancel)
    {
        await session.Places.Engine.Retry.RunAsync(token => store.ApplyAsync(change, token), cancel);
        await new PublicCheck(session, part, (BucketRoot.Url)address.Root, store).RunAsync(open: false, cancel);
        session.Say($"{(change.IsNone ? "Nothing was open of" : "Unpublished")} {address}: nobody reads it without credentials.");
    }
}
