using System.Buffers;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>
/// Makes an immutable tag where the store keeps no conditions: whoever wants to make one says so first, and goes on only if nobody else has said so.
/// <code>
/// pail/claims/REPO/TAG/DIGEST/UUID
/// </code>
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>The claim is written.</item>
/// <item>Claims are listed. One for another digest: ours is removed, and after a random while all begins again.</item>
/// <item>The tag is looked for: it must not be there.</item>
/// <item>The tag is written, then the claim is removed.</item>
/// </list>
/// Of two that make one tag at once, the one that writes its claim later sees the claim of the other, or, if that is removed already, the tag. Lists must show what was written before.
/// </remarks>
internal static class TagClaim
{
    /// <summary>What all claims begin with.</summary>
    public const string Prefix = "pail/claims/";

    private const int Tries = 40;

    // What a killed process left: by then no request of its is under way any more.
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(16);

    /// <summary>Writes a tag that must not be there. Two PUTs, a LIST, a HEAD and a DELETE, if nobody else wants it.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="digest">What it is to name.</param>
    /// <param name="write">Writes it.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <returns>False if it is there by now.</returns>
    /// <exception cref="PailException">Others claim it all the time (<see cref="Failure.Unavailable"/>).</exception>
    public static async Task<bool> WriteAsync(Repository repository, string tag, Digest digest, Func<Task> write, CancellationToken cancel)
    {
        var (bucket, prefix) = (repository.Bucket, $"{Prefix}{repository.Name}/{tag}/");
        var own = $"{prefix}{digest}/{Guid.NewGuid():n}";
        for (var attempt = 1; attempt <= Tries; attempt++)
        {
            await bucket.Store.PutAsync(own, new ReadOnlySequence<byte>("{}"u8.ToArray()), V2Layout.ListHeaders, PutCondition.None, cancel);
            var isContested = await IsContestedAsync(bucket, prefix, digest, cancel);
            var isThere = !isContested && await bucket.Store.HeadAsync(repository.Manifests.KeyOf(Reference.Parse(tag)), cancel) is not null;
            // If it fails, the claim stays for its life: the tag may be written yet.
            if (!isContested && !isThere)
                await write();
            await bucket.Store.DeleteAsync(own, cancel);
            if (!isContested)
                return !isThere;
            await Task.Delay(Random.Shared.Next(5, 40 * Math.Min(attempt, 20)), cancel);
        }
        throw new PailException(Failure.Unavailable, $"{bucket.Name}, {repository.Name}:{tag} is immutable, and somebody else is making it or was interrupted while doing so. Try again in {Life.TotalMinutes} minutes.");
    }

    private static async Task<bool> IsContestedAsync(Bucket bucket, string prefix, Digest digest, CancellationToken cancel)
    {
        var isContested = false;
        await foreach (var claim in bucket.Store.ListObjectsAsync(new ListQuery(prefix), cancel))
            // A longer name is a claim in a repository below.
            if (claim.Key[prefix.Length..].Split('/') is [var other, _] && other != digest.ToString())
                if (claim.Modified < bucket.Now - Life)
                    await bucket.Store.DeleteAsync(claim.Key, cancel);
                else
                    isContested = true;
        return isContested;
    }
}
