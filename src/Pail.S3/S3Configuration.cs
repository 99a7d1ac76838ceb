using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using Amazon.S3;
using Amazon.Util;
using Pail.Oci;
using Pail.Stores;

namespace Pail.S3;

/// <summary>Finds what the options leave open where every AWS tool looks: variables, then the profile in ~/.aws, then the machine itself.</summary>
internal static class S3Configuration
{
    // What a store that knows no regions is signed for. R2's documentation asks for "auto".
    private const string DefaultRegion = "us-east-1";
    private const string R2Host = ".r2.cloudflarestorage.com";

    /// <summary>The profile asked for; null if none is. Its region and endpoint are looked for in it, so it is the first thing that must be there.</summary>
    public static Profile? Profile(S3Options options) => options.Profile is null ? null
        : Find(options) is not null ? new Profile(options.Profile)
        : throw new StoreException(StoreError.BadCredentials, $"{options.Root}: there is no profile '{SafeText.OneLine(options.Profile)}' in ~/.aws/config or ~/.aws/credentials");

    /// <summary>The store's address; null for Amazon's own.</summary>
    public static Uri? Endpoint(S3Options options, Profile? profile)
    {
        var configured = new AmazonS3Config { Profile = profile };
        var text = options.Endpoint ?? configured.ServiceURL;
        // The SDK overlooks a profile's endpoint_url if the profile has an "s3 =" section with other settings.
        if (text is null && !configured.IgnoreConfiguredEndpointUrls)
            text = Find(options)?.EndpointUrl;
        return string.IsNullOrEmpty(text) ? null : Check(text);
    }

    /// <summary>The region to sign for.</summary>
    /// <exception cref="PailException">None is set, and none goes without saying.</exception>
    public static string Region(S3Options options, Uri? endpoint) => options.Region
        ?? Variable("AWS_REGION")
        // The SDK doesn't know this one; other tools do.
        ?? Variable("AWS_DEFAULT_REGION")
        ?? Find(options)?.Region?.SystemName
        ?? endpoint switch
        {
            null => FallbackRegionFactory.GetRegionEndpoint(includeInstanceMetadata: true)?.SystemName,
            _ when IsAws(endpoint) => AWSSDKUtils.DetermineRegion(endpoint.Host),
            _ => IsR2(endpoint) ? "auto" : DefaultRegion,
        }
        ?? throw new PailException(Failure.BadInput, $"{options.Root}: no region is set. Set AWS_REGION to the bucket's region, or AWS_ENDPOINT_URL_S3 to the address of another S3 store.");

    /// <summary>Whose name to sign with.</summary>
    public static AWSCredentials Credentials(S3Options options, AmazonS3Config config)
    {
        try
        {
            return DefaultAWSCredentialsIdentityResolver.GetCredentials(config);
        }
        catch (ProfileNotFoundException e)
        {
            throw new StoreException(StoreError.BadCredentials, $"{options.Root}: there is no profile '{SafeText.OneLine(Variable("AWS_PROFILE"))}' in ~/.aws/config or ~/.aws/credentials. Check AWS_PROFILE", e);
        }
        catch (Exception e) when (e is AmazonClientException or AmazonServiceException)
        {
            throw S3Errors.NoCredentials(options.Root.ToString(), e);
        }
    }

    /// <summary>An address of a store, as a person writes it.</summary>
    /// <exception cref="PailException">It is none.</exception>
    public static Uri Check(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0
            ? uri
            : throw new PailException(Failure.BadInput, $"'{SafeText.OneLine(text)}' is not the address of an S3 store: http://HOST[:PORT] or https://HOST[:PORT] is expected.");

    /// <summary>True for the hosts of Amazon's own S3.</summary>
    public static bool IsR2(Uri address) => address.Host.EndsWith(R2Host, StringComparison.OrdinalIgnoreCase);

    public static bool IsAws(Uri address) =>
        address.Host.EndsWith(".amazonaws.com", StringComparison.OrdinalIgnoreCase) || address.Host.EndsWith(".amazonaws.com.cn", StringComparison.OrdinalIgnoreCase);

    private static CredentialProfile? Find(S3Options options) =>
        new CredentialProfileStoreChain().TryGetProfile(options.Profile ?? Variable("AWS_PROFILE") ?? "default", out var profile) ? profile : null;

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
