using System.Text.Json.Nodes;
using Pail.Tests.Cli;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Edge;

/// <summary>The files of <c>pail edge cloudfront</c>.</summary>
public sealed class CloudFrontFilesTests : IDisposable
{
    private const string Key = "-----BEGIN PUBLIC KEY-----\nMFww\n-----END PUBLIC KEY-----\n";

    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task BucketPolicy_OpensTheRegistryAloneToTheDistributionAlone()
    {
        await WriteAsync("s3://acme/eu//", "--layout", "v2");
        var statement = Assert.Single((await JsonAsync("bucket-policy.json"))["Statement"]!.AsArray())!;
        Assert.Equal("cloudfront.amazonaws.com", (string?)statement["Principal"]!["Service"]);
        Assert.Equal("s3:GetObject", (string?)statement["Action"]);
        Assert.Equal(["arn:aws:s3:::acme/eu/v2/*", "arn:aws:s3:::acme/eu/pail/edge/404.json"], statement["Resource"]!.AsArray().Select(item => (string?)item));
        Assert.NotNull(statement["Condition"]!["StringEquals"]!["AWS:SourceArn"]);
        var origin = (await JsonAsync("distribution.json"))["Origins"]!["Items"]![0]!;
        Assert.Equal(("acme.s3.eu-central-1.amazonaws.com", "/eu"), ((string?)origin["DomainName"], (string?)origin["OriginPath"]));
    }

    [Theory]
    [InlineData("v2", 4)]
    [InlineData("pool", 5)]
    public async Task Distribution_KeepsDigestsAndNoTags(string layout, int paths)
    {
        await WriteAsync("s3://acme", "--layout", layout);
        var distribution = await JsonAsync("distribution.json");
        // Managed-CachingDisabled.
        Assert.Equal("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", (string?)distribution["DefaultCacheBehavior"]!["CachePolicyId"]);
        var behaviors = distribution["CacheBehaviors"]!["Items"]!.AsArray();
        Assert.Equal(paths, behaviors.Count);
        Assert.All(behaviors, behavior => Assert.Equal("@DIGESTS@", (string?)behavior!["CachePolicyId"]));
        // A tag of a repository that is called blobs.
        Assert.DoesNotContain(behaviors, behavior => (string?)behavior!["PathPattern"] == "/v2/*/blobs/*");
        Assert.Equal(31536000, (int?)(await JsonAsync("cache-policy.json"))["MinTTL"]);
        Assert.False((bool?)distribution["DefaultCacheBehavior"]!["TrustedKeyGroups"]!["Enabled"]);
    }

    [Fact]
    public async Task SignedBy_EveryPathNeedsASignature()
    {
        await File.WriteAllTextAsync(_folder["key.pub"], Key, Cancel);
        await WriteAsync("s3://acme", "--layout", "v2", "--signed-by", _folder["key.pub"]);
        var distribution = await JsonAsync("distribution.json");
        foreach (var behavior in distribution["CacheBehaviors"]!["Items"]!.AsArray().Append(distribution["DefaultCacheBehavior"]))
            Assert.True((bool?)behavior!["TrustedKeyGroups"]!["Enabled"]);
        Assert.Equal(Key, (string?)(await JsonAsync("public-key.json"))["EncodedKey"]);
        var terraform = await File.ReadAllTextAsync(Path.Combine(_folder["out"], "main.tf"), Cancel);
        Assert.Equal(2, terraform.Split("trusted_key_groups").Length - 1);
        await File.WriteAllTextAsync(_folder["key.pub"], "-----BEGIN PRIVATE KEY-----", Cancel);
        (await Command.RunAsync("edge", "cloudfront", "s3://acme", "--layout", "v2", "--region", "eu-central-1", "--out", _folder["out"], "--signed-by", _folder["key.pub"])).Ended(Pail.Cli.ExitCode.BadContent).OneLine();
    }

    [Fact]
    public async Task OtherStore_IsRefused() =>
        Assert.Contains("nginx", (await Command.RunAsync("edge", "cloudfront", "s3://acme", "--layout", "v2", "--endpoint-url", "http://127.0.0.1:1", "--out", _folder["out"])).Ended(Pail.Cli.ExitCode.BadUsage).OneLine(), StringComparison.Ordinal);

    // aws is a script that keeps what it was told; each answer of a creating command is the name of that command.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [NeedsServers]
    public async Task AwsCli_MakesAllAndLeavesAPolicyThatIsThere(bool hasPolicy)
    {
        await File.WriteAllTextAsync(_folder["key.pub"], Key, Cancel);
        await WriteAsync("s3://acme", "--layout", "v2", "--signed-by", _folder["key.pub"]);
        Directory.CreateDirectory(_folder["bin"]);
        var aws = Path.Combine(_folder["bin"], "aws");
        await File.WriteAllTextAsync(aws, $$"""
            #!/bin/sh
            printf '%s\n' "$1 $2" >>{{_folder["said"]}}
            case $2 in
            get-bucket-policy) {{(hasPolicy ? "echo '{}'" : "echo NoSuchBucketPolicy >&2; exit 254")}} ;;
            create-distribution) cp "${4#file://}" {{_folder["distribution"]}}; echo 'arn:distribution d1.cloudfront.net' ;;
            put-bucket-policy) cp "${6#file://}" {{_folder["policy"]}} ;;
            *) echo "made-$2" ;;
            esac
            """, Cancel);
        (await Child.RunAsync("chmod", ["+x", aws])).Succeeded();
        var ran = (await Child.RunAsync("sh", [Path.Combine(_folder["out"], "aws-cli.sh")], new Dictionary<string, string?> { ["PATH"] = $"{_folder["bin"]}:{Environment.GetEnvironmentVariable("PATH")}" })).Succeeded();
        Assert.Contains("registry: d1.cloudfront.net\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("made-create-public-key", ran.Output, StringComparison.Ordinal);
        var distribution = await File.ReadAllTextAsync(_folder["distribution"], Cancel);
        Assert.DoesNotContain('@', distribution);
        Assert.Equal("made-create-origin-access-control", (string?)JsonNode.Parse(distribution)!["Origins"]!["Items"]![0]!["OriginAccessControlId"]);
        Assert.Equal("made-publish-function", (string?)JsonNode.Parse(distribution)!["DefaultCacheBehavior"]!["FunctionAssociations"]!["Items"]![0]!["FunctionARN"]);
        if (hasPolicy)
            Assert.DoesNotContain("put-bucket-policy", await File.ReadAllTextAsync(_folder["said"], Cancel), StringComparison.Ordinal);
        else
            Assert.Contains("\"arn:distribution\"", await File.ReadAllTextAsync(_folder["policy"], Cancel), StringComparison.Ordinal);
    }

    private async Task WriteAsync(string bucket, params string[] options) =>
        (await Command.RunAsync(["edge", "cloudfront", bucket, "--region", "eu-central-1", "--endpoint-url", "https://s3.eu-central-1.amazonaws.com", "--out", _folder["out"], .. options])).Ended(0);

    private async Task<JsonNode> JsonAsync(string name) => JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder["out"], name), Cancel))!;
}
