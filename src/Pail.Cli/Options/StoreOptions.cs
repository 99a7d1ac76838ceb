using System.CommandLine;
using Pail.Places;
using Pail.S3;
using Pail.Stores;

namespace Pail.Cli.Options;

/// <summary>How <c>s3://</c> addresses are reached, where the standard variables and profiles don't say it.</summary>
internal sealed class StoreOptions
{
    private readonly Option<string?> _endpoint = new("--endpoint-url") { HelpName = "URL", Description = "The S3 service [default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, or AWS]" };
    private readonly Option<string?> _region = new("--region") { HelpName = "NAME", Description = "The region [default: AWS_REGION, or the profile's]" };
    private readonly Option<string?> _profile = new("--profile") { HelpName = "NAME", Description = "The profile of ~/.aws/config and ~/.aws/credentials [default: AWS_PROFILE]" };
    private readonly Option<bool> _anonymous = new("--no-sign-request") { Description = "Read a public bucket as anybody may, without credentials" };
    private readonly Option<AddressingStyle?> _style = new("--addressing-style")
    {
        HelpName = "auto|path|virtual",
        Description = $"Where URLs name the bucket: in the path or in the host; auto takes the host on AWS only [default: {S3Options.AddressingVariable}, or auto]",
        CustomParser = result =>
        {
            try
            {
                return AddressingStyles.Parse(result.Tokens[0].Value);
            }
            catch (FormatException e)
            {
                result.AddError($"--addressing-style: {e.Message}.");
                return null;
            }
        },
    };

    private readonly Option<StoreEncryption?> _encryption = new("--sse")
    {
        HelpName = "AES256|aws:kms[:KEY]",
        Description = $"Have S3 encrypt what is written so, where the bucket's policy demands that it is said [default: {S3Options.EncryptionVariable}, or what the bucket is set to]",
        CustomParser = result =>
        {
            try
            {
                return StoreEncryption.Parse(result.Tokens[0].Value);
            }
            catch (FormatException e)
            {
                result.AddError($"--sse: {e.Message}.");
                return null;
            }
        },
    };

    public StoreOptions()
    {
        // Without this the names of the enumeration are offered.
        _style.CompletionSources.Clear();
        _style.CompletionSources.Add([.. AddressingStyles.Words]);
    }

    /// <param name="command">Whose options they are.</param>
    /// <param name="reads">It has use for a bucket that it can only read.</param>
    /// <param name="writes">It writes to buckets.</param>
    public void AddTo(Command command, bool reads, bool writes)
    {
        command.Add(_endpoint);
        command.Add(_region);
        command.Add(_profile);
        if (reads)
            command.Add(_anonymous);
        command.Add(_style);
        if (writes)
            command.Add(_encryption);
    }

    /// <summary>How a bucket is reached.</summary>
    public S3Options Read(ParseResult parsed, BucketRoot.Url root) => new(root)
    {
        Endpoint = parsed.GetValue(_endpoint),
        Region = parsed.GetValue(_region),
        Profile = parsed.GetValue(_profile),
        Anonymous = parsed.GetValue(_anonymous),
        Addressing = parsed.GetValue(_style),
        Encryption = parsed.GetValue(_encryption),
    };
}
