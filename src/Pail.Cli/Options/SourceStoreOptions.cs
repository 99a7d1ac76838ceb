using System.CommandLine;
using Pail.Places;
using Pail.S3;

namespace Pail.Cli.Options;

/// <summary>How the bucket that is copied from is reached, where it is another store's than the one copied to. Named as <c>aws s3 cp</c> names its own.</summary>
internal sealed class SourceStoreOptions
{
    private readonly Option<string?> _endpoint = new("--source-endpoint-url") { HelpName = "URL", Description = "The S3 service of SOURCE, where DESTINATION is in another; with any --source option, --endpoint-url, --region, --profile and --no-sign-request are for DESTINATION alone" };
    private readonly Option<string?> _region = new("--source-region") { HelpName = "NAME", Description = "The region of SOURCE" };
    private readonly Option<string?> _profile = new("--source-profile") { HelpName = "NAME", Description = "The profile for SOURCE: its credentials, region and endpoint" };
    private readonly Option<bool> _anonymous = new("--source-no-sign-request") { Description = "Read SOURCE as anybody may, without credentials" };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_endpoint);
        command.Add(_region);
        command.Add(_profile);
        command.Add(_anonymous);
    }

    /// <summary>True if any is given.</summary>
    public bool AreGiven(ParseResult parsed) => new Option[] { _endpoint, _region, _profile, _anonymous }.Any(option => parsed.GetResult(option) is { Implicit: false });

    /// <summary>How a bucket is reached.</summary>
    public S3Options Read(ParseResult parsed, BucketRoot.Url root) => new(root)
    {
        Endpoint = parsed.GetValue(_endpoint),
        Region = parsed.GetValue(_region),
        Profile = parsed.GetValue(_profile),
        Anonymous = parsed.GetValue(_anonymous),
    };
}
