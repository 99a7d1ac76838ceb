using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Stores;

namespace Pail.S3;

/// <summary>
/// A way to a bucket: the SDK's client for small requests, an <see cref="HttpClient"/> over the same connections for bytes,
/// and whose credentials, region and addresses both use.
/// </summary>
internal sealed class S3Connection : IDisposable
{
    private S3Connection(AmazonS3Client client, HttpClient http, AWSCredentials credentials, string region, Uri bucket)
    {
        Client = client;
        Http = http;
        Credentials = credentials;
        Region = RegionEndpoint.GetBySystemName(region);
        Bucket = bucket;
        IsAws = S3Configuration.IsAws(bucket);
    }

    /// <summary>The SDK's client; it retries nothing, for the one retry is the caller's.</summary>
    public AmazonS3Client Client { get; }

    /// <summary>Sends what <see cref="S3Wire"/> signs.</summary>
    public HttpClient Http { get; }

    /// <summary>Whose name requests are signed with.</summary>
    public AWSCredentials Credentials { get; }

    /// <summary>The region requests are signed for.</summary>
    public RegionEndpoint Region { get; }

    /// <summary>The bucket's address; ends in <c>/</c>.</summary>
    public Uri Bucket { get; }

    /// <summary>The bucket's address for those who get presigned requests, where it is another; ends in <c>/</c>.</summary>
    public Uri? PublicBucket { get; private init; }

    /// <summary>True for Amazon's own S3, which has storage classes and checks <c>x-amz-checksum-sha256</c>.</summary>
    public bool IsAws { get; }

    /// <exception cref="PailException">The configuration is missing or makes no sense.</exception>
    public static S3Connection Open(S3Options options)
    {
        try
        {
            // Also for what the SDK asks for credentials, by clients of its own: one reading of the variables, the same as for registries.
            var proxy = new EnvironmentProxy(Environment.GetEnvironmentVariable);
            HttpClient.DefaultProxy = proxy;
            var profile = S3Configuration.Profile(options);
            var endpoint = S3Configuration.Endpoint(options, profile);
            var region = S3Configuration.Region(options, endpoint);
            var http = new HttpClient(S3Handlers.Create(options.ConnectTimeout, endpoint?.Scheme != Uri.UriSchemeHttp), disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
            http.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", "pail");
            var config = Config(endpoint, region, options.ChosenAddressing, http, profile);
            var credentials = options.Credentials ?? (options.Anonymous ? new AnonymousAWSCredentials() : S3Configuration.Credentials(options, config));
            var client = new AmazonS3Client(credentials, config);
            var bucket = Address(client, options.Root.Bucket);
            proxy.ThrowIfUnusable(bucket);
            return new S3Connection(client, http, credentials, region, bucket)
            {
                PublicBucket = options.PublicEndpoint is null ? null : PublicAddress(S3Configuration.Check(options.PublicEndpoint)),
            };

            Uri PublicAddress(Uri outside)
            {
                using var other = new AmazonS3Client(credentials, Config(outside, region, options.ChosenAddressing, http, profile));
                return Address(other, options.Root.Bucket);
            }
        }
        catch (AmazonClientException e)
        {
            throw new PailException(Failure.BadInput, $"{options.Root}: the AWS configuration can't be used: {SafeText.OneLine(e.Message)}. An address of a store is http://HOST[:PORT] or https://HOST[:PORT].", e);
        }
    }

    /// <summary>True if both lead to one store, in one name.</summary>
    public async Task<bool> IsSameAsync(S3Connection other) =>
        Service == other.Service && Credentials is not AnonymousAWSCredentials && other.Credentials is not AnonymousAWSCredentials
        && (await Credentials.GetCredentialsAsync()).AccessKey == (await other.Credentials.GetCredentialsAsync()).AccessKey;

    // The store's address, whichever the bucket.
    private string Service => Client.DetermineServiceOperationEndpoint(new ListBucketsRequest()).URL;

    /// <summary>Closes the connections.</summary>
    public void Dispose()
    {
        Client.Dispose();
        Http.Dispose();
    }

    private static AmazonS3Config Config(Uri? endpoint, string region, AddressingStyle style, HttpClient http, Profile? profile)
    {
        var config = new AmazonS3Config
        {
            Profile = profile,
            ForcePathStyle = style == AddressingStyle.Path || (style == AddressingStyle.Auto && endpoint is not null && !S3Configuration.IsAws(endpoint)),
            MaxErrorRetry = 0,
            MaxStaleConnectionRetries = 0,
            AllowAutoRedirect = false,
            Timeout = Timeout.InfiniteTimeSpan,
            HttpClientFactory = new Shared(http),
            // R2, RGW and Swift refuse or miss the checksum trailers that are the SDK's default.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (endpoint is null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }
        else
        {
            config.ServiceURL = endpoint.AbsoluteUri.TrimEnd('/');
            config.AuthenticationRegion = region;
        }
        return config;
    }

    // The SDK's own rules know which bucket names may be part of a host's name, and every partition's hosts.
    private static Uri Address(AmazonS3Client client, string bucket) =>
        new(client.DetermineServiceOperationEndpoint(new GetObjectRequest { BucketName = bucket, Key = "key" }).URL.TrimEnd('/') + "/");

    private sealed class Shared(HttpClient http) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => http;

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
