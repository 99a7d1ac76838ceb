namespace Pail.S3;

/// <summary>Where a store has a bucket.</summary>
/// <param name="Address">The bucket's address; ends in <c>/</c>.</param>
/// <param name="Region">The region that requests are signed for.</param>
/// <param name="Partition">The AWS partition: <c>aws</c>, <c>aws-cn</c>, <c>aws-us-gov</c>.</param>
/// <param name="IsAws">True for Amazon's own S3.</param>
internal sealed record BucketPlace(Uri Address, string Region, string Partition, bool IsAws)
{
    /// <summary>Finds a bucket by its options. Needs no credentials, makes no request.</summary>
    /// <exception cref="PailException">The configuration is missing or makes no sense.</exception>
    public static BucketPlace Find(S3Options options)
    {
        using var connection = S3Connection.Open(options with { Anonymous = true });
        return new(connection.PublicBucket ?? connection.Bucket, connection.Region.SystemName, connection.Region.PartitionName, connection.IsAws);
    }
}
