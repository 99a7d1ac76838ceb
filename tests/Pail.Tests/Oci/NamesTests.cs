using Pail.Oci;

namespace Pail.Tests.Oci;

public sealed class NamesTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("0")]
    [InlineData("team/app")]
    [InlineData("a.b/c_d/e__f/g-h/i---j")]
    [InlineData("a/b/c/d/e/f/g")]
    public void RepositoryName_Allowed_IsRead(string text)
    {
        Assert.True(RepositoryName.TryParse(text, out var name));
        Assert.Equal(text, name.ToString());
        Assert.Equal(RepositoryName.Parse(text), name);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("App")]
    [InlineData("/app")]
    [InlineData("app/")]
    [InlineData("a//b")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("a..b")]
    [InlineData("a___b")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("a:b")]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("é")]
    public void RepositoryName_NotAllowed_IsRefused(string? text)
    {
        Assert.False(RepositoryName.TryParse(text, out _));
        Assert.Throws<FormatException>(() => RepositoryName.Parse(text));
    }

    [Fact]
    public void RepositoryName_AtMost255Characters_IsRead()
    {
        Assert.True(RepositoryName.TryParse(new string('a', 255), out _));
        Assert.False(RepositoryName.TryParse(new string('a', 256), out _));
    }

    [Theory]
    [InlineData("latest")]
    [InlineData("1.0")]
    [InlineData("_x")]
    [InlineData("A-b_c.D")]
    [InlineData("sha256-abc")]
    public void Reference_Tag_IsATag(string text)
    {
        var reference = Reference.Parse(text);
        Assert.Equal(text, reference.Tag);
        Assert.Null(reference.Digest);
        Assert.Equal(text, reference.ToString());
    }

    [Fact]
    public void Reference_Digest_IsADigest()
    {
        var digest = Digest.Of("abc"u8);
        var reference = Reference.Parse(digest.ToString());
        Assert.Equal(digest, reference.Digest);
        Assert.Null(reference.Tag);
        Assert.Equal(Reference.Of(digest), reference);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".x")]
    [InlineData("-x")]
    [InlineData("a/b")]
    [InlineData("a:b")]
    [InlineData("sha256:abc")]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("é")]
    public void Reference_Neither_IsRefused(string? text)
    {
        Assert.False(Reference.TryParse(text, out _));
        Assert.Throws<FormatException>(() => Reference.Parse(text));
    }

    [Fact]
    public void Reference_TagOf128Characters_IsTheLongest()
    {
        Assert.True(Reference.IsTag(new string('a', 128)));
        Assert.False(Reference.IsTag(new string('a', 129)));
    }

    [Theory]
    [InlineData("linux/amd64", "linux/amd64", true)]
    [InlineData("linux/amd64", "linux/arm64", false)]
    [InlineData("linux/arm", "linux/arm/v7", true)]
    [InlineData("linux/arm/v6", "linux/arm/v7", false)]
    [InlineData("linux/arm64/v8", "linux/arm64", true)]
    [InlineData("linux/arm64", "linux/arm64/v8", true)]
    [InlineData("windows/amd64", "linux/amd64", false)]
    public void Platform_AskedFor_AcceptsWhatRunsThere(string asked, string offered, bool accepts) =>
        Assert.Equal(accepts, Platform.Parse(asked).Accepts(Platform.Parse(offered)));

    [Theory]
    [InlineData("")]
    [InlineData("linux")]
    [InlineData("linux/")]
    [InlineData("/amd64")]
    [InlineData("linux/arm/v7/x")]
    public void Platform_OfAnotherForm_IsRefused(string text) => Assert.Throws<FormatException>(() => Platform.Parse(text));
}
