using System.Text.Json.Nodes;
using Pail.S3;
using Pail.Stores;

namespace Pail.Tests.S3;

public sealed class PublicReadPolicyTests
{
    private static string Merge(string? existing, string prefix = "v2/", string partition = "aws") => PublicReadPolicy.Merge(existing, prefix, [$"arn:{partition}:s3:::bucket/{prefix}*"], "s3://bucket");

    private static string? Remove(string? existing, string? scope) => PublicReadPolicy.Remove(existing, scope, "arn:aws:s3:::bucket/", "s3://bucket");

    [Fact]
    public void Merge_NoPolicy_OpensReadingAlone()
    {
        var statement = Assert.Single(JsonNode.Parse(Merge(null))!["Statement"]!.AsArray())!;
        Assert.Equal("Allow", (string?)statement["Effect"]);
        Assert.Equal("s3:GetObject", (string?)statement["Action"]);
        Assert.Equal("arn:aws:s3:::bucket/v2/*", (string?)statement["Resource"]);
        Assert.Matches("^[A-Za-z0-9]+$", (string?)statement["Sid"]);
    }

    [Fact]
    public void Merge_OtherPartition_NamesIt() =>
        Assert.Contains("arn:aws-cn:s3:::bucket/p/v2/*", Merge(null, "p/v2/", "aws-cn"), StringComparison.Ordinal);

    [Fact]
    public void Merge_Twice_IsTheSame()
    {
        var once = Merge(null);
        Assert.Same(once, Merge(once));
    }

    [Fact]
    public void Merge_AsAmazonSpellsIt_IsTheSame()
    {
        var amazon = Merge(null).Replace("\"*\"", "{\"AWS\": \"*\"}", StringComparison.Ordinal).Replace("\"s3:GetObject\"", "[\"s3:GetObject\"]", StringComparison.Ordinal);
        Assert.Same(amazon, Merge(amazon));
    }

    [Fact]
    public void Merge_StatementWithoutItsList_KeepsIt()
    {
        var merged = JsonNode.Parse(Merge("""{"Version":"2008-10-17","Statement":{"Sid":"Mine","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"x"}}"""))!;
        Assert.Equal(["Mine"], merged["Statement"]!.AsArray().Select(s => (string?)s!["Sid"]).Take(1));
        Assert.Equal(2, merged["Statement"]!.AsArray().Count);
        Assert.Equal("2008-10-17", (string?)merged["Version"]);
    }

    [Fact]
    public void Merge_OurNameOnSomethingElse_IsRefused()
    {
        var changed = Merge(null).Replace("s3:GetObject", "s3:PutObject", StringComparison.Ordinal);
        Assert.Equal(StoreError.Rejected, Assert.Throws<StoreException>(() => Merge(changed)).Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"Statement\":1}")]
    [InlineData("{}")]
    public void Merge_NoPolicyAtAll_IsRefused(string existing) =>
        Assert.Equal(StoreError.Rejected, Assert.Throws<StoreException>(() => Merge(existing)).Error);

    [Fact]
    public void Remove_OursAlone_LeavesNoPolicy() => Assert.Null(Remove(Merge(null), "v2/"));

    [Fact]
    public void Remove_APart_LeavesTheOthers()
    {
        var all = Merge(Merge(Merge("""{"Version":"2012-10-17","Statement":[{"Sid":"Mine","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"x"}]}"""), "v2/a/"), "v2/b/");
        Assert.Equal(3, JsonNode.Parse(Remove(all, "v2/a/")!)!["Statement"]!.AsArray().Count);
        Assert.Equal("Mine", (string?)Assert.Single(JsonNode.Parse(Remove(all, null)!)!["Statement"]!.AsArray())!["Sid"]);
        Assert.Same(all, Remove(all, "v2/c/"));
        Assert.Null(Remove(null, null));
    }

    [Fact]
    public void Remove_OurNameOnWhatIsElsewhere_Stays()
    {
        var elsewhere = Merge(null).Replace("bucket/v2", "other/v2", StringComparison.Ordinal);
        Assert.Same(elsewhere, Remove(elsewhere, null));
    }
}
