namespace Pail.Stores;

/// <summary>
/// How a store shall encrypt what is written to it, said with each object: for buckets whose policy refuses writes that don't say it.
/// Source: Amazon S3 API, <c>x-amz-server-side-encryption</c>.
/// </summary>
public sealed record StoreEncryption
{
    private const string Kms = "aws:kms", DualKms = "aws:kms:dsse", Aes = "AES256";

    private StoreEncryption(string method, string? key) => (Method, Key) = (method, key);

    /// <summary><c>AES256</c>, <c>aws:kms</c> or <c>aws:kms:dsse</c>.</summary>
    public string Method { get; }

    /// <summary>The id or ARN of the key; null for the bucket's, and with <c>AES256</c>.</summary>
    public string? Key { get; }

    /// <summary>Reads <c>AES256</c>, <c>aws:kms[:KEY]</c> or <c>aws:kms:dsse[:KEY]</c>.</summary>
    /// <exception cref="FormatException">The text is something else; the message says what is expected.</exception>
    public static StoreEncryption Parse(string text)
    {
        if (text.Equals(Aes, StringComparison.OrdinalIgnoreCase))
            return new(Aes, null);
        foreach (var method in (ReadOnlySpan<string>)[DualKms, Kms])
            if (text == method)
                return new(method, null);
            else if (text.StartsWith(method + ":", StringComparison.Ordinal) && text[(method.Length + 1)..] is { Length: > 0 and <= 2048 } key && key.All(c => c is > ' ' and < (char)127))
                return new(method, key);
        throw new FormatException("AES256, aws:kms[:KEY] or aws:kms:dsse[:KEY] is expected");
    }
}
