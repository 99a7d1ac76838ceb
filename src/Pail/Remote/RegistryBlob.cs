using System.Net;
using System.Net.Http.Headers;
using Pail.Io;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>
/// A blob read from a registry. The first request asks for the first part of a large one; if the registry sends just that, the rest
/// comes in parallel ranges, else the answer is the whole. Who reads verifies.
/// </summary>
internal sealed class RegistryBlob(RegistryClient client, TransferEngine engine, Descriptor blob, ShortReadLimiter crumbs)
{
    private const long FirstPart = PartPlan.Smallest;

    private static readonly HttpStatusCode[] RefusesRange = [HttpStatusCode.BadRequest, HttpStatusCode.RequestedRangeNotSatisfiable, HttpStatusCode.NotImplemented];

    private volatile bool _refusesRanges;

    /// <summary>Opens a blob from an offset on; what breaks goes on where it broke.</summary>
    public static Stream Open(RegistryClient client, TransferEngine engine, Descriptor blob, long offset, ShortReadLimiter crumbs) =>
        new ResumingStream(new RegistryBlob(client, engine, blob, crumbs).OpenAsync, engine.Retry, offset);

    private async Task<Stream> OpenAsync(long offset, CancellationToken cancel)
    {
        if (blob.Size - offset <= FirstPart)
            return (await GetAsync(offset, blob.Size, cancel)).Body;
        var first = await GetAsync(offset, offset + FirstPart, cancel);
        if (first.Length == blob.Size - offset)
            return first.Body;
        var rest = engine.OpenRead(async (range, token) => await GetAsync(range!.Value.First, range.Value.Last!.Value + 1, token), $"{client.Host}: {blob.Digest}", blob.Size, offset + FirstPart);
        try
        {
            // Reading nothing sends it off, to come while the first part is read.
            _ = await rest.ReadAsync(Memory<byte>.Empty, cancel);
            return new TwoStreams(await ResumingAsync(first, offset, cancel), rest);
        }
        catch
        {
            await first.DisposeAsync();
            await rest.DisposeAsync();
            throw;
        }
    }

    // When the first part breaks, what was read ahead of the rest is not lost.
    private async Task<ResumingStream> ResumingAsync(ObjectContent opened, long offset, CancellationToken cancel)
    {
        ObjectContent? first = opened;
        var stream = new ResumingStream(async (at, token) => (Interlocked.Exchange(ref first, null) ?? await GetAsync(at, offset + FirstPart, token)).Body, engine.Retry, offset);
        await stream.EnsureOpenAsync(cancel);
        return stream;
    }

    // The bytes from one position up to, not including, another; or to the end, from a registry that knows no ranges. Some refuse them, or
    // send one without saying which.
    private async Task<ObjectContent> GetAsync(long from, long to, CancellationToken cancel)
    {
        var isRanged = !_refusesRanges && !(from == 0 && to == blob.Size);
        var request = new RegistryRequest(HttpMethod.Get, client.In($"blobs/{blob.Digest}"), isRanged ? RefusesRange : []) { Range = isRanged ? new RangeHeaderValue(from, to - 1) : null };
        var answer = await client.SendAsync(request, cancel);
        try
        {
            // Any success is the whole where no range was asked for and none is stated.
            var isPartial = answer.Status == HttpStatusCode.PartialContent && (isRanged || answer.Content.ContentRange is not null);
            if (isRanged && (!answer.IsSuccess || (isPartial && answer.Content.ContentRange is null)))
            {
                _refusesRanges = true;
                answer.Dispose();
                return await GetAsync(from, to, cancel);
            }
            if (isPartial && (answer.Content.ContentRange is not { HasRange: true } range || range.From != from || range.To != to - 1 || (range.HasLength && range.Length != blob.Size)))
                throw Bad($"was asked for the bytes from {from} to {to - 1} and sends others");
            var (begin, end) = isPartial ? (from, to) : (0, blob.Size);
            if (answer.Content.ContentLength is { } length && length != end - begin)
                throw Bad($"announces {length} bytes where {end - begin} are expected");
            var body = await answer.OpenAsync(end - begin, crumbs, cancel);
            await SkipAsync(body, from - begin, cancel);
            return new ObjectContent(new ObjectInfo(blob.Size, blob.Digest.ToString(), default, MediaTypes.OctetStream), body, end - from);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private static async Task SkipAsync(Stream body, long bytes, CancellationToken cancel)
    {
        var buffer = new byte[Math.Min(bytes, 128 << 10)];
        for (var left = bytes; left > 0;)
            left -= await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancel);
    }

    private PailException Bad(string what) => new(Failure.BadContent, $"{client.Host}: the registry {what} ({blob.Digest}).");

    /// <summary>One stream after the other; both are disposed.</summary>
    private sealed class TwoStreams(Stream first, Stream rest) : ReadOnlyStream
    {
        private bool _ended;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty)
                return 0;
            if (!_ended)
            {
                var read = await first.ReadAsync(buffer, cancellationToken);
                if (read > 0)
                    return read;
                _ended = true;
            }
            return await rest.ReadAsync(buffer, cancellationToken);
        }

        public override async ValueTask DisposeAsync()
        {
            await first.DisposeAsync();
            await rest.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
