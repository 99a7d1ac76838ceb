using Pail.Oci;
using Pail.Transfer;

namespace Pail.Tests.Transfer;

public sealed class VerifyingStreamTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<bool> Ways => [true, false];

    [Theory]
    [InlineData(0, DigestAlgorithm.Sha256, true)]
    [InlineData(0, DigestAlgorithm.Sha256, false)]
    [InlineData(100_000, DigestAlgorithm.Sha256, true)]
    [InlineData(100_000, DigestAlgorithm.Sha512, false)]
    public async Task Read_RightBytes_PassThrough(int size, DigestAlgorithm algorithm, bool copy)
    {
        var blob = new TestBlob(size, algorithm: algorithm);
        Assert.Equal(blob.Bytes, await ReadAsync(new VerifyingStream(new MemoryStream(blob.Bytes), blob.Descriptor), copy));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Read_OneByteDiffers_Throws(bool copy)
    {
        var blob = new TestBlob(100_000);
        blob.Bytes[77] ^= 1;
        var error = await FailsAsync(new VerifyingStream(new MemoryStream(blob.Bytes), blob.Descriptor), copy);
        Assert.Contains($"expected {blob.Descriptor.Digest}, got {Digest.Of(blob.Bytes)}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Read_EndsEarly_Throws(bool copy)
    {
        var blob = new TestBlob(1000);
        var error = await FailsAsync(new VerifyingStream(new MemoryStream(blob.Bytes[..999]), blob.Descriptor), copy);
        Assert.Contains("end after 999", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Read_GoesOnTooLong_Throws(bool copy)
    {
        var blob = new TestBlob(1000);
        var error = await FailsAsync(new VerifyingStream(new MemoryStream([.. blob.Bytes, 0]), blob.Descriptor), copy);
        Assert.Contains("more bytes came than the 1000", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Read_RestOfWhatIsHashedAlready_IsCheckedAsAWhole(bool copy)
    {
        var blob = new TestBlob(1000);
        var hash = Digest.CreateHash(DigestAlgorithm.Sha256);
        hash.AppendData(blob.Bytes.AsSpan(0, 400));
        Assert.Equal(blob.Bytes[400..], await ReadAsync(new VerifyingStream(new MemoryStream(blob.Bytes[400..]), blob.Descriptor, hash, 400), copy));

        var wrong = Digest.CreateHash(DigestAlgorithm.Sha256);
        wrong.AppendData(blob.Bytes.AsSpan(1, 400));
        await FailsAsync(new VerifyingStream(new MemoryStream(blob.Bytes[400..]), blob.Descriptor, wrong, 400), copy);
    }

    private static async Task<PailException> FailsAsync(VerifyingStream stream, bool copy)
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => ReadAsync(stream, copy));
        Assert.Equal(Failure.BadContent, error.Failure);
        return error;
    }

    private static async Task<byte[]> ReadAsync(VerifyingStream stream, bool copy)
    {
        await using var _ = stream;
        using var bytes = new MemoryStream();
        if (copy)
            await stream.CopyToAsync(bytes, Cancel);
        var buffer = new byte[777];
        for (int read; (read = await stream.ReadAsync(buffer, Cancel)) > 0;)
            bytes.Write(buffer, 0, read);
        return bytes.ToArray();
    }
}
