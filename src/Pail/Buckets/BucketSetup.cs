using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Buckets;

/// <summary>Makes a bucket say what it is.</summary>
internal static class BucketSetup
{
    /// <summary>
    /// Writes the settings of a bucket. Run again it repairs: in a public bucket the static lists are made to agree with
    /// the tags and manifests there are, at a few requests for each tag and manifest.
    /// </summary>
    /// <param name="store">The bucket, which exists.</param>
    /// <param name="engine">What moves bytes and retries.</param>
    /// <param name="layout">The layout asked for; null for the one it has, or <c>v2</c>.</param>
    /// <param name="open">Whether it is public from now on; null to leave that.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="PailException">It holds images in the other layout, or can't be public.</exception>
    public static async Task<Bucket> RunAsync(IObjectStore store, TransferEngine engine, BucketLayout? layout, bool? open, CancellationToken cancel = default)
    {
        var before = await Bucket.OpenAsync(store, engine, cancel);
        var wanted = new BucketSettings((layout ?? before.Layout).Kind, open ?? before.Settings.Public) { Collect = before.Settings.Collect, Policy = before.Settings.Policy, Holds = before.Settings.Holds };
        var bucket = new Bucket(store, engine, wanted);
        if (wanted.Public && !bucket.Layout.CanBePublic)
            throw new PailException(Failure.BadInput, $"a {bucket.Layout.Name} bucket can't be pulled from without a server: --public goes with the v2 layout.");
        if (bucket.Layout.Name != before.Layout.Name && await HoldsImagesAsync(before, cancel))
            throw new PailException(Failure.Conflict, $"{store.Name} holds images in the {before.Layout.Name} layout; a bucket has one layout. Use another bucket or prefix for {bucket.Layout.Name}, and pail copy.");
        // Settings before lists: what is pushed from now on keeps the lists itself, what was pushed before is found below.
        wanted = wanted with { Conditions = await StoreConditions.ProbeAsync(bucket.Store, cancel) };
        bucket = new Bucket(store, engine, wanted);
        await wanted.WriteAsync(bucket.Store, cancel);
        if (wanted.Public)
        {
            bucket.LacksRoot = !await bucket.Lists.AddRootAsync(cancel);
            await RebuildListsAsync(bucket, cancel);
        }
        return bucket;
    }

    private static async Task RebuildListsAsync(Bucket bucket, CancellationToken cancel)
    {
        await foreach (var name in bucket.ListRepositoriesAsync(null, cancel))
        {
            await bucket.Lists.SetTagsAsync(name, await bucket.Repository(name).Tags.ListAsync(null, cancel).ToListAsync(cancel), cancel);
            var prefix = bucket.Layout.ManifestKey(name, Reference.Parse("0"))[..^1];
            await foreach (var item in bucket.Store.ListObjectsAsync(new ListQuery(prefix + "sha"), cancel))
                if (bucket.Layout.Read(item.Key) is { Kind: KeyKind.Manifest, Digest: { } digest })
                    await bucket.Lists.AddManifestAsync(name, digest, cancel);
        }
    }

    private static async Task<bool> HoldsImagesAsync(Bucket bucket, CancellationToken cancel)
    {
        foreach (var prefix in bucket.Layout.Prefixes)
            if ((await bucket.Store.ListAsync(new ListQuery(prefix, Limit: 2), cancel)).Objects.Any(item => item.Key != V2Layout.RootKey))
                return true;
        return false;
    }
}
