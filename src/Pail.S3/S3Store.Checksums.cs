using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.S3;

// Checksums that a bucket demands: with Object Lock each PUT and each part needs one.
internal sealed partial class S3Store
{
    // Set by the first refusal for want of it.
    private volatile bool _wantsMd5;

    // Sends a body once, and once more with its Content-MD5 if the store demands that: every store knows it, newer checksums only some.
    private async Task<(string? ETag, Refusal Refusal)> SendBodyAsync(StoreOperation operation, string key, WireRequest request, CancellationToken cancel)
    {
        while (true)
        {
            var summed = _wantsMd5;
            if (summed)
                request.Unsigned["Content-MD5"] = Md5(request.Body!.Value);
            using var guard = new StallGuard(cancel);
            using var response = await _wire.SendAsync(operation, _prefix + key, request, guard, cancel);
            if (Succeeded(response))
                return (WireHeaders.ETag(response), default);
            var refusal = await RefusalAsync(response, guard);
            if (summed || !AsksForMd5(refusal))
                return (null, refusal with { IsLate = request.Fence is { } fence && _wire.IsOver(response, fence) });
            _wantsMd5 = true;
        }
    }

    // Source: Amazon S3 API, PutObject, "Content-MD5 or x-amz-sdk-checksum-algorithm is required for Object Lock"; MinIO, ErrContentMD5Required.
    private static bool AsksForMd5(Refusal refusal) =>
        refusal.Status == 400 && (refusal.Code is "MissingContentMD5" or "ContentMD5Required"
            || (refusal.Code is "InvalidRequest" or "InvalidArgument" && refusal.Message.Contains("Content-MD5", StringComparison.OrdinalIgnoreCase)));

    [SuppressMessage("Security", "CA5351", Justification = "The store asks for it; it guards nothing against an attacker.")]
    private static string Md5(ReadOnlySequence<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        foreach (var segment in body)
            hash.AppendData(segment.Span);
        return Convert.ToBase64String(hash.GetHashAndReset());
    }
}
