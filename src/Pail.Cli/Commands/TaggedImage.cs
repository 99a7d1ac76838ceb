using Pail.Buckets;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

/// <summary>A tag of a bucket, with its history.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Repository">Its repository.</param>
/// <param name="Tag">The tag.</param>
internal sealed record TaggedImage(string Address, Repository Repository, string Tag)
{
    /// <summary>Opens the bucket of a tag.</summary>
    public static Task<TaggedImage> OpenAsync(VerbRun session, string text, CancellationToken cancel) => OpenAsync(session, Addressed.Image(text), cancel);

    /// <summary>What an address names: a digest where a time is given, at which its tag named that.</summary>
    public static async Task<Address> AtAsync(VerbRun session, Address address, DateTimeOffset? time, CancellationToken cancel)
    {
        if (time is not { } at)
            return address;
        var image = await OpenAsync(session, address, cancel);
        var digest = TagRollback.At(image.Address, await image.HistoryAsync(cancel), at);
        session.Say($"{image.Address} was {digest} at {TagRollback.Written(at)}");
        return (Address.Bucket)address with { Reference = Reference.Of(digest) };
    }

    /// <summary>What it names and named, newest first. One HEAD.</summary>
    public async Task<IReadOnlyList<TagPeriod>> HistoryAsync(CancellationToken cancel) =>
        await Repository.Tags.LookAsync(Tag, cancel) is { Exists: true } state
            ? TagHistory.Periods(state)
            : throw new PailException(Failure.NotFound, $"{Address}: no such tag. 'pail undelete --list' shows what was removed.");

    private static async Task<TaggedImage> OpenAsync(VerbRun session, Address address, CancellationToken cancel) => address is Address.Bucket { Repository: { } name, Reference.Tag: { } tag } bucket
        ? new(address.ToString(), (await session.Sources.OpenBucketAsync(bucket.Root, cancel)).Repository(name), tag)
        : throw Addressed.Bad(address.ToString(), "a tag in a bucket is expected, s3://BUCKET/REPO:TAG or file:DIR//REPO:TAG: only there is it known what a tag named before.");
}
