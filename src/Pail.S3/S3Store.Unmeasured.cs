using Pail.Stores;
using Pail.Transfer;
using ByteRange = Pail.Stores.ByteRange;

namespace Pail.S3;

// Objects whose answer has no Content-Length: chunked by the store, or decompressed on the way.
internal sealed partial class S3Store
{
    // Lists, manifests and settings are mostly smaller; for what is larger a second request is cheap.
    private const int MostUnmeasured = 4 << 20;

    // The size from Content-Range, for a HEAD that does not state it. A size that was not stated is not 0.
    private async Task<long> SizeAsync(string key, CancellationToken cancel)
    {
        try
        {
            if (await GetAsync(key, new ByteRange(0, 0), cancel) is not { } content)
                throw _errors.Broken(StoreOperation.HeadObject, key, "the object was removed meanwhile");
            await using (content)
                return content.Info.Size;
        }
        catch (StoreException e) when (e.Error == StoreError.RangeNotSatisfiable)
        {
            // No byte to begin with.
            return 0;
        }
    }

    private async Task<ObjectContent> UnmeasuredAsync(string key, HttpResponseMessage response, StallGuard guard, CancellationToken cancel)
    {
        var whole = new MemoryStream();
        var buffer = new byte[64 << 10];
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(guard.Token);
            while (whole.Length <= MostUnmeasured)
            {
                guard.Allow(_options.StallTimeout);
                var read = await body.ReadAsync(buffer, guard.Token);
                guard.Pause();
                if (read == 0)
                {
                    var info = WireHeaders.Info(response, whole.Length);
                    response.Dispose();
                    guard.Dispose();
                    whole.Position = 0;
                    return new ObjectContent(info, whole, whole.Length);
                }
                whole.Write(buffer.AsSpan(0, read));
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw _errors.Broken(StoreOperation.GetObject, key, $"the connection broke after {whole.Length} bytes", e);
        }
        // Answers to ranges state the size of the whole.
        var ranged = await GetAsync(key, new ByteRange(0), cancel) ?? throw _errors.Broken(StoreOperation.GetObject, key, "the object was removed meanwhile");
        response.Dispose();
        guard.Dispose();
        return ranged;
    }
}
