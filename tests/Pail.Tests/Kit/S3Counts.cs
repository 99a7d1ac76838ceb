using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.Kit;

/// <summary>How many requests of each class were made, those on static lists (which only public buckets have) apart.</summary>
internal sealed record S3Counts(int A, int B, int ListsA, int ListsB)
{
    public static S3Counts Of(IReadOnlyList<S3Request> requests) => new(
        requests.Count(request => request.IsClassA && !IsList(request)),
        requests.Count(request => request.IsClassB && !IsList(request)),
        requests.Count(request => request.IsClassA && IsList(request)),
        requests.Count(request => request.IsClassB && IsList(request)));

    private static bool IsList(S3Request request) =>
        request.Key is "v2/" or "v2/_catalog" || request.Key.EndsWith("/tags/list", StringComparison.Ordinal) || request.Key.Contains("/referrers/", StringComparison.Ordinal);
}
