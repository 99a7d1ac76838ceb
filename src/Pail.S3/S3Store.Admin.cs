using Amazon.S3.Model;
using Pail.Stores;

namespace Pail.S3;

// What makes and opens a bucket.
internal sealed partial class S3Store
{
    /// <inheritdoc/>
    public async Task<bool> CreateBucketAsync(CancellationToken cancel = default)
    {
        // Asked first: who may use a bucket need not have the right to make one.
        if (await IsThereAsync(cancel))
            return false;
        var request = new PutBucketRequest { BucketName = _bucket, UseClientRegion = false };
        // Other stores have their own names for places, and one to begin with.
        if (_connection.IsAws)
            request.BucketRegionName = _connection.Region.SystemName;
        try
        {
            await ControlAsync(StoreOperation.CreateBucket, "", token => _connection.Client.PutBucketAsync(request, token), cancel);
            return true;
        }
        catch (StoreException e) when (Code(e) == "BucketAlreadyOwnedByYou")
        {
            return false;
        }
        catch (StoreException e) when (Code(e) == "BucketAlreadyExists")
        {
            throw new StoreException(StoreError.AccessDenied, $"{Name}: a bucket of this name belongs to somebody else. Choose another name", e);
        }
    }

    /// <inheritdoc/>
    public async Task<string> AllowAnonymousReadAsync(string prefix, CancellationToken cancel = default)
    {
        var change = await PlanOpenAsync(prefix, [prefix + "*"], cancel);
        await ApplyAsync(change, cancel);
        return change.After!;
    }

    /// <inheritdoc/>
    public async Task<PolicyChange> PlanOpenAsync(string scope, IReadOnlyList<string> patterns, CancellationToken cancel = default)
    {
        var before = await PolicyAsync(cancel);
        return new(before, PublicReadPolicy.Merge(before, _prefix + scope, [.. patterns.Select(pattern => OwnArn + pattern)], Name));
    }

    /// <inheritdoc/>
    public async Task<PolicyChange> PlanCloseAsync(string scope, CancellationToken cancel = default)
    {
        var before = await PolicyAsync(cancel);
        return new(before, PublicReadPolicy.Remove(before, scope.Length == 0 ? null : _prefix + scope, OwnArn, Name));
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(PolicyChange change, CancellationToken cancel = default)
    {
        if (change.IsNone)
            return;
        try
        {
            if (change.After is { } policy)
                await ControlAsync(StoreOperation.PutBucketPolicy, "", token => _connection.Client.PutBucketPolicyAsync(new PutBucketPolicyRequest { BucketName = _bucket, Policy = policy }, token), cancel);
            else
                await ControlAsync(StoreOperation.PutBucketPolicy, "", token => _connection.Client.DeleteBucketPolicyAsync(new DeleteBucketPolicyRequest { BucketName = _bucket }, token), cancel);
        }
        catch (StoreException e) when (_connection.IsAws && e.Error == StoreError.AccessDenied && change.After is not null)
        {
            throw new StoreException(
                StoreError.AccessDenied,
                $"{Name}: AWS blocks public policies on this bucket, or the credentials may not set one (s3:PutBucketPolicy). " +
                $"If it is meant to be public: aws s3api put-public-access-block --bucket {_bucket} --public-access-block-configuration BlockPublicPolicy=false,RestrictPublicBuckets=false,BlockPublicAcls=true,IgnorePublicAcls=true",
                e);
        }
        catch (StoreException e) when (HasNoPolicies(e))
        {
            throw NoPolicies(e);
        }
    }

    // What the ARNs of objects here begin with.
    private string OwnArn => $"arn:{_connection.Region.PartitionName}:s3:::{_bucket}/{ArnPattern.Escape(_prefix)}";

    // A request for an object was answered, so a bucket that may not be seen is there.
    private async Task<bool> IsThereAsync(CancellationToken cancel, bool answered = false)
    {
        try
        {
            await ControlAsync(StoreOperation.HeadBucket, "", token => _connection.Client.HeadBucketAsync(new HeadBucketRequest { BucketName = _bucket }, token), cancel);
            return true;
        }
        catch (StoreException e) when (e.InnerException is Amazon.Runtime.AmazonServiceException { StatusCode: System.Net.HttpStatusCode.NotFound })
        {
            return false;
        }
        // Reading and writing objects needs no permission to see the bucket.
        catch (StoreException e) when ((answered || _hidesMissing) && e.Error == StoreError.AccessDenied)
        {
            return true;
        }
    }

    private async Task<string?> PolicyAsync(CancellationToken cancel)
    {
        try
        {
            var response = await ControlAsync(StoreOperation.GetBucketPolicy, "", token => _connection.Client.GetBucketPolicyAsync(new GetBucketPolicyRequest { BucketName = _bucket }, token), cancel);
            // The SDK takes 404 NoSuchBucketPolicy for an answer, and its XML for the policy.
            return response.HttpStatusCode == System.Net.HttpStatusCode.NotFound || string.IsNullOrEmpty(response.Policy) ? null : response.Policy;
        }
        catch (StoreException e) when (Code(e) == "NoSuchBucketPolicy")
        {
            return null;
        }
        catch (StoreException e) when (HasNoPolicies(e))
        {
            throw NoPolicies(e);
        }
    }

    private StoreException NoPolicies(StoreException e) => new(
        StoreError.Rejected,
        $"{Name}: this store has no bucket policies, so Pail can't make the bucket public. Do it with the store's own tools " +
        $"(Cloudflare R2: connect a custom domain; OpenStack Swift: a read ACL on the container), for keys that begin with {_prefix}v2/",
        e);

    private static bool HasNoPolicies(StoreException e) => Code(e) is "NotImplemented" or "MethodNotAllowed" or "UnsupportedOperation";

    private static string? Code(StoreException e) => (e.InnerException as Amazon.Runtime.AmazonServiceException)?.ErrorCode;
}
