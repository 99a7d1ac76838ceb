using Amazon.Runtime;
using Pail.Places;
using Pail.Stores;

namespace Pail.S3;

/// <summary>
/// Which bucket, and how to reach it. What is not set comes from where every AWS tool looks:
/// AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_CA_BUNDLE, ~/.aws/config, ~/.aws/credentials.
/// </summary>
/// <param name="Root">The bucket, and the prefix all keys have.</param>
public sealed record S3Options(BucketRoot.Url Root)
{
    /// <summary>The variable that sets <see cref="Addressing"/> where no option does: <c>path</c>, <c>virtual</c> or <c>auto</c>.</summary>
    public const string AddressingVariable = "PAIL_ADDRESSING_STYLE";

    /// <summary>The variable that sets <see cref="Encryption"/> where no option does.</summary>
    public const string EncryptionVariable = "PAIL_SSE";

    /// <summary>The store's address, such as <c>https://ACCOUNT.r2.cloudflarestorage.com</c>; null for the configured one, else AWS.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The region requests are signed for; null for the configured one.</summary>
    public string? Region { get; init; }

    /// <summary>A profile of the AWS configuration files; null for AWS_PROFILE or the default one.</summary>
    public string? Profile { get; init; }

    /// <summary>True to sign no request and need no credentials: then only what is public can be read.</summary>
    public bool Anonymous { get; init; }

    /// <summary>Path or virtual-host style; null for what <see cref="AddressingVariable"/> says, else <see cref="AddressingStyle.Auto"/>.</summary>
    public AddressingStyle? Addressing { get; init; }

    /// <summary>How the store shall encrypt what is written; null for what <see cref="EncryptionVariable"/> says, else for what the bucket is set to.</summary>
    public StoreEncryption? Encryption { get; init; }

    /// <summary>The endpoint to presign for, if those who use the addresses reach the store by another name; null for the same.</summary>
    public string? PublicEndpoint { get; init; }

    /// <summary>How long a connection may take to open.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a transfer may move no byte before it counts as broken.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the store may think before it answers.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long it may think where it copies or assembles objects, which takes minutes for large ones.</summary>
    public TimeSpan AssemblyTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Credentials in place of the standard chain's.</summary>
    internal AWSCredentials? Credentials { get; init; }

    internal AddressingStyle ChosenAddressing => Addressing ?? Read(AddressingVariable, text => (AddressingStyle?)AddressingStyles.Parse(text)) ?? AddressingStyle.Auto;

    internal StoreEncryption? ChosenEncryption => Encryption ?? Read(EncryptionVariable, StoreEncryption.Parse);

    private static T? Read<T>(string variable, Func<string, T?> parse)
    {
        try
        {
            return Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? parse(text) : default;
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, $"{variable}: {e.Message}.", e);
        }
    }
}
