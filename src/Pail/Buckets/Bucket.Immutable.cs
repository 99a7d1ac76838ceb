using Pail.Retention;

namespace Pail.Buckets;

public sealed partial class Bucket
{
    private volatile KnownPolicy? _policy;

    /// <summary>Returns which tags are immutable, as the bucket's settings said at most a minute ago.</summary>
    /// <remarks>No request where no tag is; else one GET, once for each policy. A file that was written past Pail, so that the settings name another, is read each time.</remarks>
    /// <exception cref="ImmutableTagException">The policy is not valid.</exception>
    internal async ValueTask<ImmutableTags> ImmutableAsync(CancellationToken cancel)
    {
        if ((await CurrentSettingsAsync(cancel)).Policy is not { } stated)
            return ImmutableTags.None;
        if (_policy is { } known && known.Version == stated)
            return known.Immutable;
        try
        {
            // Removed by somebody else than 'pail policy': nothing is immutable then.
            var text = await RetentionFile.ReadTextAsync(this, cancel) ?? "";
            var read = new KnownPolicy(RetentionFile.VersionOf(text), RetentionPolicy.Parse(text, RetentionFile.Key).Immutable);
            _policy = read;
            return read.Immutable;
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            throw new ImmutableTagException(Failure.BadContent, Name, $"which tags are immutable is not known, and none is written or removed: {e.Message} 'pail policy set' writes a valid policy.", e);
        }
    }

    private sealed record KnownPolicy(string Version, ImmutableTags Immutable);
}
