using System.Buffers;
using Pail.Oci;
using Pail.Places;
using Pail.Stores;

namespace Pail.S3;

/// <summary>Opens buckets of S3 and of services that speak its protocol: <c>s3://BUCKET</c>.</summary>
/// <param name="options">How a bucket is reached; null for where every AWS tool looks (see <see cref="S3Options"/>).</param>
public sealed class S3Provider(Func<BucketRoot.Url, S3Options>? options = null) : IStoreProvider
{
    /// <summary>The scheme of the addresses.</summary>
    public const string SchemeName = "s3";

    // S3 bucket names: 3 to 63 of these; upper case and underscores only in old ones, which still exist.
    private static readonly SearchValues<char> BucketCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    /// <inheritdoc/>
    public string Scheme => SchemeName;

    /// <inheritdoc/>
    public void CheckBucket(string bucket)
    {
        if (bucket.Length is < 3 or > 63 || bucket.AsSpan().ContainsAnyExcept(BucketCharacters))
            throw new FormatException($"'{SafeText.OneLine(bucket)}' is not a bucket's name (3 to 63 letters, digits, '.', '-'). Write {(bucket.Length == 0 ? "s3://BUCKET" : "s3://BUCKET/REPO:TAG")}.");
    }

    /// <inheritdoc/>
    public IObjectStore Open(BucketRoot.Url root, RequestMeter meter) => S3Store.Open(Options(root), meter);

    /// <inheritdoc/>
    public bool IsAnonymous(BucketRoot.Url root) => Options(root).Anonymous;

    private S3Options Options(BucketRoot.Url root) => options?.Invoke(root) ?? new S3Options(root);
}
