using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Pail.Oci;

namespace Pail.Tests.Oci;

public sealed class DigestTests
{
    [Fact]
    public void Of_KnownContent_IsTheKnownDigest()
    {
        // The test vector "abc" of FIPS 180-2.
        Assert.Equal("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", Digest.Of("abc"u8).ToString());
        Assert.Equal(
            "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            Digest.Of("abc"u8, DigestAlgorithm.Sha512).ToString());
    }

    [Fact]
    public void Parse_AnyDigest_ReadsBackEqual() => Prop.ForAll<byte[], bool>((bytes, wide) =>
    {
        var digest = Digest.Of(bytes ?? [], wide ? DigestAlgorithm.Sha512 : DigestAlgorithm.Sha256);
        var read = Digest.Parse(digest.ToString());
        return read == digest && read.GetHashCode() == digest.GetHashCode()
            && read.AlgorithmName + ":" + read.Hex == digest.ToString()
            && read.Algorithm == (wide ? DigestAlgorithm.Sha512 : DigestAlgorithm.Sha256);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void CreateHash_InPieces_GivesTheDigestOfTheWhole() => Prop.ForAll<byte[], byte[]>((head, tail) =>
    {
        head ??= [];
        tail ??= [];
        using var hash = Digest.CreateHash(DigestAlgorithm.Sha256);
        hash.AppendData(head);
        hash.AppendData(tail);
        return Digest.FromHash(DigestAlgorithm.Sha256, hash.GetHashAndReset()) == Digest.Of([.. head, .. tail]);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("sha256:")]
    [InlineData("sha256:0123")]
    [InlineData("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")]
    [InlineData("SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a/")]
    [InlineData("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n")]
    [InlineData(" sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a")]
    [InlineData("blake3:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    public void TryParse_AnythingElse_IsFalse(string? text)
    {
        Assert.False(Digest.TryParse(text, out _));
        Assert.Throws<FormatException>(() => Digest.Parse(text));
    }

    [Fact]
    public void FromHash_WrongLength_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Digest.FromHash(DigestAlgorithm.Sha256, new byte[64]));

    [Fact]
    public void ToString_NeverSet_Throws() => Assert.Throws<InvalidOperationException>(() => default(Digest).ToString());

    [Fact]
    public void Line_ControlCharactersAndLength_AreTamed()
    {
        Assert.Equal("a?b?[31m", SafeText.OneLine("a\nb\e[31m"));
        Assert.Equal("aaa…", SafeText.OneLine(new StringBuilder().Append('a', 500).ToString(), 3));
    }
}
