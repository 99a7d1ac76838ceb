using Pail.Buckets;
using Pail.Places;
using Pail.S3;
using Pail.Stores;

namespace Pail.Cli.Commands;

/// <summary>Asks a bucket without credentials, as anybody can, whether it is as open as it is meant to be, and no more.</summary>
internal sealed class PublicCheck(VerbRun session, PublicPart part, BucketRoot.Url root, IPublicRead store)
{
    // A policy of AWS takes effect within seconds.
    private const int Tries = 10;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>Checks it: a few requests with credentials, to find objects, and a few without.</summary>
    /// <param name="open">Whether the part is meant to be open.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="PailException">Something is closed that is meant to be open, or open that is meant to be closed.</exception>
    public async Task RunAsync(bool open, CancellationToken cancel)
    {
        using var anybody = S3Store.Open(session.Reach(root) with { Anonymous = true }, session.Places.Meter);
        if (await FindAsync(part.Repository is null ? part.Bucket.Layout.Prefixes : [part.Scope], cancel) is not { } key)
            session.Say($"{root} has no image there yet, so reading could not be tried out.");
        else if (!await BecomesAsync(anybody, key, open, cancel))
            throw Wrong(open
                ? $"{key} can't be read without credentials, though the policy allows it. Another policy forbids it, or the account blocks public access"
                : $"{key} can still be read without credentials. Another statement of the policy, or an ACL, opens it");
        if (await CanListAsync(anybody, cancel))
            throw Wrong("anybody can list its keys. Another statement of the policy, or an ACL, allows it");
        foreach (var closed in (string?[])[BucketSettings.Key, await FindClosedAsync(cancel)])
            if (closed is not null && await ReadsAsync(anybody, closed, cancel))
                throw Wrong($"anybody can read {closed}. Another statement of the policy, or an ACL, allows it");
    }

    // A repository that nobody published, next to the one that was; null if there is none.
    private async Task<string?> FindClosedAsync(CancellationToken cancel)
    {
        if (part.Repository is null || !(await store.PlanCloseAsync(new PublicPart(part.Bucket, null).Scope, cancel)).IsNone)
            return null;
        await foreach (var name in part.Bucket.ListRepositoriesAsync(null, cancel))
        {
            var other = new PublicPart(part.Bucket, name);
            if (name != part.Repository && (await store.PlanCloseAsync(other.Scope, cancel)).IsNone)
                return await FindAsync([other.Scope], cancel);
        }
        return null;
    }

    private static async Task<bool> BecomesAsync(S3Store anybody, string key, bool open, CancellationToken cancel)
    {
        for (var left = Tries; ; left--)
        {
            if (await ReadsAsync(anybody, key, cancel) == open)
                return true;
            if (left == 0)
                return false;
            await Task.Delay(Pause, cancel);
        }
    }

    private static async Task<bool> ReadsAsync(S3Store anybody, string key, CancellationToken cancel)
    {
        try
        {
            return await anybody.HeadAsync(key, cancel) is not null;
        }
        catch (StoreException e) when (e.Error is StoreError.AccessDenied or StoreError.BadCredentials)
        {
            return false;
        }
    }

    private async Task<bool> CanListAsync(S3Store anybody, CancellationToken cancel)
    {
        try
        {
            await anybody.ListAsync(new ListQuery(part.Scope, Limit: 1), cancel);
            return true;
        }
        catch (StoreException e) when (e.Error is StoreError.AccessDenied or StoreError.BadCredentials)
        {
            return false;
        }
    }

    private async Task<string?> FindAsync(IEnumerable<string> prefixes, CancellationToken cancel)
    {
        foreach (var prefix in prefixes)
            if ((await part.Bucket.Store.ListAsync(new ListQuery(prefix, Limit: 1), cancel)).Objects is [var first, ..])
                return first.Key;
        return null;
    }

    private PailException Wrong(string what) => new(Failure.Conflict, $"{root}: {what}.");
}
