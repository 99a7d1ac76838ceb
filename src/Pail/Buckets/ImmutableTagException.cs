namespace Pail.Buckets;

/// <summary>An immutable tag was to be moved or removed, or what it needs was to be removed; or it can't be known which tags are immutable. Nothing was changed.</summary>
/// <param name="failure"><see cref="Failure.Conflict"/>, or <see cref="Failure.BadContent"/> if the policy can't be read.</param>
/// <param name="bucket">The bucket.</param>
/// <param name="reason">What is wrong and what to do, for clients that don't know the bucket.</param>
/// <param name="inner">The cause.</param>
internal sealed class ImmutableTagException(Failure failure, string bucket, string reason, Exception? inner = null) : PailException(failure, $"{bucket}, {reason}", inner)
{
    /// <summary>The message without the bucket's name.</summary>
    public string Reason { get; } = reason;
}
