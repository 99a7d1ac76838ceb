using FsCheck;
using FsCheck.Fluent;
using Pail.Oci;
using Pail.Places;

namespace Pail.Tests.Places;

public sealed class AddressParserTests
{
    private const string Hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("app:1.0", "docker-daemon:app:1.0")]
    [InlineData("docker:dind", "docker-daemon:docker:dind")]
    [InlineData("localhost:5000/team/app:1.0", "docker-daemon:localhost:5000/team/app:1.0")]
    [InlineData("docker-daemon:sha256:" + Hex, "docker-daemon:sha256:" + Hex)]
    [InlineData("s3:1", "docker-daemon:s3:1")]
    [InlineData("oci:dir", "oci:dir")]
    [InlineData("oci:/a b/c:1.0", "oci:/a b/c:1.0")]
    [InlineData("oci:dir:example.com/team/app:1.0", "oci:dir:example.com/team/app:1.0")]
    [InlineData("oci-archive:x.tar:v1", "oci-archive:x.tar:v1")]
    [InlineData("oci:dir:@sha256:" + Hex, "oci:dir:@sha256:" + Hex)]
    [InlineData("oci-archive:x.tar:@3", "oci-archive:x.tar:@3")]
    [InlineData("dir:a b/c:1.0", "dir:a b/c:1.0")]
    [InlineData("docker-archive:x.tar", "docker-archive:x.tar")]
    [InlineData("docker-archive:x.tar:example.com/team/app:1.0", "docker-archive:x.tar:example.com/team/app:1.0")]
    [InlineData("docker-archive:x.tar:@0", "docker-archive:x.tar:@0")]
    [InlineData("s3://acme", "s3://acme")]
    [InlineData("s3://acme/", "s3://acme")]
    [InlineData("s3://acme/app", "s3://acme/app")]
    [InlineData("s3://acme/team/app:1.0", "s3://acme/team/app:1.0")]
    [InlineData("s3://acme//team/app:1.0", "s3://acme/team/app:1.0")]
    [InlineData("s3://acme/some/prefix//", "s3://acme/some/prefix//")]
    [InlineData("s3://acme/some/prefix//team/app:1.0", "s3://acme/some/prefix//team/app:1.0")]
    [InlineData("s3://acme/app@sha256:" + Hex, "s3://acme/app@sha256:" + Hex)]
    [InlineData("file:dir", "file:dir")]
    [InlineData("file:dir//", "file:dir")]
    [InlineData("file:/srv/bucket//team/app:1.0", "file:/srv/bucket//team/app:1.0")]
    [InlineData("file:///srv/bucket//app:1", "file:/srv/bucket//app:1")]
    [InlineData("file:/", "file:/")]
    [InlineData("docker://example.com/app", "docker://example.com/app")]
    [InlineData("docker://alpine", "docker://docker.io/library/alpine")]
    [InlineData("docker://alpine:3", "docker://docker.io/library/alpine:3")]
    [InlineData("docker://team/app:1", "docker://docker.io/team/app:1")]
    [InlineData("docker://docker.io/alpine", "docker://docker.io/library/alpine")]
    [InlineData("docker://index.docker.io/library/alpine", "docker://docker.io/library/alpine")]
    [InlineData("docker://registry-1.docker.io/team/app", "docker://docker.io/team/app")]
    [InlineData("docker://localhost/app", "docker://localhost/app")]
    [InlineData("docker://Registry/app", "docker://Registry/app")]
    [InlineData("docker://127.0.0.1:5000/team/app:1.0", "docker://127.0.0.1:5000/team/app:1.0")]
    [InlineData("docker://[::1]:5000/app@sha256:" + Hex, "docker://[::1]:5000/app@sha256:" + Hex)]
    public void Parse_Address_ReadsAndWritesIt(string text, string written)
    {
        var address = AddressParser.Parse(text);
        Assert.Equal(written, address.ToString());
        Assert.Equal(address, AddressParser.Parse(written));
    }

    [Fact]
    public void Parse_S3WithPrefix_SplitsBucketPrefixRepositoryAndTag()
    {
        var address = Assert.IsType<Address.Bucket>(AddressParser.Parse("s3://acme/a/b//team/app:1.0"));
        Assert.Equal(new BucketRoot.Url("s3", "acme", "a/b/"), address.Root);
        Assert.Equal(RepositoryName.Parse("team/app"), address.Repository);
        Assert.Equal("1.0", address.Reference?.Tag);
    }

    [Fact]
    public void Parse_OciPathWithTag_SplitsAtTheFirstColon() =>
        Assert.Equal(new Address.OciLayout("dir", "example.com/app:1"), AddressParser.Parse("oci:dir:example.com/app:1"));

    [Theory]
    [InlineData("")]
    [InlineData("oci:")]
    [InlineData("oci::")]
    [InlineData("oci::1.0")]
    [InlineData("oci:dir:")]
    [InlineData("oci:dir:a b")]
    [InlineData("oci-archive:")]
    [InlineData("dir:")]
    [InlineData("docker-daemon:")]
    [InlineData("docker://user@example.com/app:1")]
    [InlineData("docker://example.com:x/app")]
    [InlineData("docker:///app")]
    [InlineData("docker://example.com:65536/app")]
    [InlineData("docker://a..b/app")]
    [InlineData("docker://[:::]:5/app")]
    [InlineData("docker-archive:")]
    [InlineData("docker-archive:x.tar:@sha256:" + Hex)]
    [InlineData("oci:dir:@")]
    [InlineData("oci:dir:@x")]
    [InlineData("oci:dir:@-1")]
    [InlineData("oci:dir:@99999999999")]
    [InlineData("oci:dir:@sha256:12")]
    [InlineData("oci:dir@sha256:" + Hex)]
    [InlineData("https://example.com/app")]
    [InlineData("S3://acme/app")]
    [InlineData("./app")]
    [InlineData("/srv/image")]
    [InlineData("app 1.0")]
    [InlineData("app\n1.0")]
    [InlineData("-x")]
    [InlineData("s3://")]
    [InlineData("s3://ab/app")]
    [InlineData("s3://ac me/app")]
    [InlineData("s3://acme/App:1")]
    [InlineData("s3://acme/app:")]
    [InlineData("s3://acme/app:-x")]
    [InlineData("s3://acme/app@sha256:12")]
    [InlineData("s3://acme/../other//app:1")]
    [InlineData("s3://acme/a///app:1")]
    [InlineData("s3://acme/a//b//c:1")]
    [InlineData("s3://acme/a/../b:1")]
    [InlineData("file:")]
    [InlineData("file://host/dir")]
    [InlineData("file:////dir")]
    [InlineData("file:dir//App")]
    [InlineData("file:dir//../x")]
    [InlineData("oci:not\uFFFDutf8")]
    public void Parse_NoAddress_IsBadInputOnOneLine(string text)
    {
        var error = Assert.Throws<PailException>(() => AddressParser.Parse(text));
        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Parse_AnyText_GivesAnAddressThatReadsBackOrBadInput() => Prop.ForAll<string>(text =>
    {
        try
        {
            var address = AddressParser.Parse(text ?? "");
            return AddressParser.Parse(address.ToString()) == address;
        }
        catch (PailException e)
        {
            return e.Failure == Failure.BadInput && !e.Message.Any(char.IsControl);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Parse_WordsOfTheGrammarInAnyOrder_GivesAnAddressThatReadsBackOrBadInput() =>
        Prop.ForAll(Gen.Elements("s3://", "file:", "oci:", "oci-archive:", "dir:", "docker-archive:", "docker-daemon:", "acme", "app", "/", "//", ":", "@", "sha256:", Hex, "..", ".", "A", "é", "\0").ArrayOf().ToArbitrary(), words =>
        {
            var text = string.Concat(words);
            try
            {
                var address = AddressParser.Parse(text);
                return AddressParser.Parse(address.ToString()) == address;
            }
            catch (PailException e)
            {
                return e.Failure == Failure.BadInput && !e.Message.Any(char.IsControl);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    [Theory]
    [InlineData("s3://acme", "s3://acme")]
    [InlineData("s3://acme/p//", "s3://acme/p//")]
    [InlineData("file:dir", "file:dir")]
    public void ParseRoot_Bucket_IsItsRoot(string text, string root) => Assert.Equal(root, AddressParser.ParseRoot(text).ToString());

    [Theory]
    [InlineData("s3://acme/app")]
    [InlineData("oci:dir")]
    [InlineData("app:1.0")]
    public void ParseRoot_AnythingElse_IsBadInput(string text) =>
        Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => AddressParser.ParseRoot(text)).Failure);
}
