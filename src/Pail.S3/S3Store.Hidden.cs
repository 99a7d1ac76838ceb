using Amazon.Runtime;
using Pail.Stores;

namespace Pail.S3;

// Without s3:ListBucket a store answers 403, not 404, for an object that is not there.
internal sealed partial class S3Store
{
    private const string Unauthorized = "is not authorized to perform: ";

    // Set once the store refused to list: from then on a 403 to GET and HEAD means that the object is not there.
    private volatile bool _hidesMissing;

    /// <summary>
    /// Returns true if a refusal of GET or HEAD means that the object is not there. The first such refusal costs one LIST:
    /// if it succeeds the object is refused if it is listed, and missing if not (a right to list that is bound to a prefix does not
    /// count for GET and HEAD); wrong keys and clocks, which HEAD has no code for, fail it as what they are.
    /// Source: Amazon S3 API, GetObject, "Permissions".
    /// </summary>
    private async Task<bool> IsMissingAsync(string key, Refusal refusal, CancellationToken cancel)
    {
        if (refusal is not { Status: 403, Code: "" or "AccessDenied" } || _connection.Credentials is AnonymousAWSCredentials || NamesOther(refusal.Message))
            return false;
        if (_hidesMissing)
            return true;
        try
        {
            // The first key that begins so is the key itself, if it is there.
            return !(await ListAsync(new ListQuery(key, Limit: 1), cancel)).Objects.Any(entry => entry.Key == key);
        }
        catch (StoreException e) when (e.Error == StoreError.AccessDenied)
        {
            return _hidesMissing = true;
        }
    }

    // AWS names the permission that is missing: that to decrypt or to read is no sign that the object is not there.
    private static bool NamesOther(string message) =>
        message.IndexOf(Unauthorized, StringComparison.Ordinal) is >= 0 and var at && !message.AsSpan(at + Unauthorized.Length).StartsWith("s3:ListBucket");
}
