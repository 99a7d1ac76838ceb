using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Buckets;

public sealed partial class BucketRegistry
{
    /// <summary>
    /// Makes a bucket say what it is. Run again it repairs: in a public bucket the static lists are made to agree with
    /// the tags and manifests there are.
    /// </summary>
    /// <param name="store">The bucket, which exists.</param>
    /// <param name="engine">What moves bytes and retries.</param>
    /// <param name="layout">The layout asked for; null for the one it has, or <c>v2</c>.</param>
    /// <param name="open">Whether it shall be public; null to leave that.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="PailException">It holds images in the other layout, or can't be public.</exception>
    public static async Task<BucketRegistry> InitAsync(IObjectStore store, TransferEngine engine, LayoutKind? layout, bool? open, CancellationToken cancel)
    {
        var found = await BucketSettings.ReadAsync(store, engine.Retry, cancel);
        var wanted = new BucketSettings(layout ?? found.Layout, open ?? found.Public);
        if (wanted is { Layout: LayoutKind.Pool, Public: true })
            throw new PailException(Failure.BadInput, "a pool bucket can't be pulled from without a server: --public goes with the v2 layout.");
        if (wanted.Layout != found.Layout && await HoldsImagesAsync(store, engine.Retry, found.Layout, cancel))
            throw new PailException(Failure.Conflict, $"{store.Name} holds images in the {Name(found.Layout)} layout; a bucket has one layout. Use another bucket or prefix for {Name(wanted.Layout)}, and pail copy.");
        var registry = new BucketRegistry(store, engine, wanted);
        // Settings before lists: what is pushed from now on keeps the lists itself, what was pushed before is found below.
        await wanted.WriteAsync(store, engine.Retry, cancel);
        if (wanted.Public)
        {
            await registry._lists.AddRootAsync(cancel);
            await registry.RebuildListsAsync(cancel);
        }
        return registry;
    }

    private async Task RebuildListsAsync(CancellationToken cancel)
    {
        await foreach (var repository in ListRepositoriesAsync(null, cancel))
        {
            var tags = new List<string>();
            await foreach (var tag in ListTagsAsync(repository, null, cancel))
                tags.Add(tag);
            await _lists.SetTagsAsync(repository, tags, cancel);
            await foreach (var digest in ListManifestsAsync(repository, cancel))
                await _lists.AddManifestAsync(repository, digest, cancel);
        }
    }

    private IAsyncEnumerable<Digest> ListManifestsAsync(RepositoryName repository, CancellationToken cancel)
    {
        var prefix = Layout.ManifestKey(repository, Reference.Parse("0"))[..^1];
        return ListAsync(new ListQuery(prefix + "sha"), key => key[prefix.Length..], cancel)
            .Where(name => Digest.TryParse(name, out _))
            .Select(Digest.Parse);
    }

    private static async Task<bool> HoldsImagesAsync(IObjectStore store, Retry retry, LayoutKind layout, CancellationToken cancel)
    {
        var prefix = layout == LayoutKind.Pool ? "manifests/" : "v2/";
        var page = await retry.RunAsync(token => store.ListAsync(new ListQuery(prefix, Limit: 2), token), cancel);
        return page.Objects.Any(item => item.Key != V2Layout.RootKey);
    }

    private static string Name(LayoutKind layout) => layout == LayoutKind.Pool ? "pool" : "v2";
}
