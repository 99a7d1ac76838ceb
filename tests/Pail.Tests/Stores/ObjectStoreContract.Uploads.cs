using Pail.Oci;
using Pail.Stores;

namespace Pail.Tests.Stores;

public abstract partial class ObjectStoreContract
{
    /// <summary>The least size of a part that isn't the last.</summary>
    private protected const int PartSize = 5 << 20;

    private protected async Task<UploadId> BeginAsync(string key, ObjectHeaders? headers = null) =>
        new(key, await Store.CreateUploadAsync(key, headers ?? Plain, Cancel));

    private protected async Task<UploadedPart> SendAsync(UploadId upload, int number, byte[] body, long? offset = null) =>
        new(number, await Store.UploadPartAsync(upload, number, offset ?? (number - 1L) * PartSize, Segments.Of(body, 1 << 20), Cancel), body.Length);

    [Fact]
    public async Task Upload_PartsOutOfOrderAndAtOnce_MakeOneObject()
    {
        var headers = new ObjectHeaders(MediaTypes.OctetStream, "immutable, no-transform") { Metadata = new Dictionary<string, string> { ["a"] = "b" } };
        var upload = await BeginAsync("blob", headers);
        var bodies = Enumerable.Range(0, 4).Select(n => Pattern(n == 3 ? 123_457 : PartSize, n)).ToArray();
        var parts = await Task.WhenAll(Enumerable.Range(1, 4).Reverse().Select(n => SendAsync(upload, n, bodies[n - 1])));
        Assert.Null(await Store.HeadAsync("blob", Cancel));
        Assert.Empty((await Store.ListAsync(new(""), Cancel)).Objects);

        var etag = await Store.CompleteUploadAsync(upload, [.. parts.OrderBy(p => p.Number)], Cancel);

        var info = await Store.HeadAsync("blob", Cancel);
        Assert.Equal(3 * PartSize + 123_457, info!.Size);
        Assert.Equal(MediaTypes.OctetStream, info.ContentType);
        Assert.Equal(Traits.KeepsMetadata ? headers.CacheControl : null, info.CacheControl);
        Assert.Equal(Traits.KeepsMetadata ? headers.Metadata : new Dictionary<string, string>(), info.Metadata);
        Assert.Equal(Traits.CompleteTellsETag ? info.ETag : "", etag);
        Assert.Equal(bodies.SelectMany(b => b).ToArray(), await ReadAsync("blob"));
        Assert.Equal(bodies[1].AsSpan(0, 10).ToArray(), await ReadAsync("blob", ByteRange.Of(PartSize, 10)));
        Assert.Empty(await Store.ListUploadsAsync("", Cancel));
        Assert.Equal(Traits.ForgetsCompletedParts, (await Store.ListPartsAsync(upload, Cancel)).Count == 0);
    }

    [Fact]
    public async Task Upload_PartSentAgain_LaterContentCounts()
    {
        var upload = await BeginAsync("k");
        var stale = await SendAsync(upload, 1, Pattern(PartSize, 1));
        var last = await SendAsync(upload, 2, Pattern(2000, 2));
        var first = await SendAsync(upload, 1, Pattern(PartSize, 3));
        last = await SendAsync(upload, 2, Pattern(1000, 4));
        Assert.NotEqual(stale.ETag, first.ETag);
        Assert.Equal([first, last], await Store.ListPartsAsync(upload, Cancel));
        await Store.CompleteUploadAsync(upload, [first, last], Cancel);
        Assert.Equal((byte[])[.. Pattern(PartSize, 3), .. Pattern(1000, 4)], await ReadAsync("k"));
    }

    [Fact]
    public async Task Upload_Completed_ReplacesTheObjectOnlyThen()
    {
        await PutAsync("k", "old", new(MediaTypes.Json));
        var upload = await BeginAsync("k", new(MediaTypes.OciManifest));
        var part = await SendAsync(upload, 1, Pattern(1000, 1));
        Assert.Equal("old", await TextAsync("k"));
        await Store.CompleteUploadAsync(upload, [part], Cancel);
        Assert.Equal(Pattern(1000, 1), await ReadAsync("k"));
        Assert.Equal(MediaTypes.OciManifest, (await Store.HeadAsync("k", Cancel))!.ContentType);
    }

    [Fact]
    public async Task Abort_Upload_LeavesNothing()
    {
        await PutAsync("k", "old");
        var upload = await BeginAsync("k");
        var part = await SendAsync(upload, 1, Pattern(1000, 1));
        await Store.AbortUploadAsync(upload, Cancel);
        Assert.Empty(await Store.ListUploadsAsync("", Cancel));
        Assert.Empty(await Store.ListPartsAsync(upload, Cancel));
        await FailsAsync(StoreError.NoSuchUpload, () => Store.CompleteUploadAsync(upload, [part], Cancel));
        await FailsAsync(StoreError.NoSuchUpload, () => SendAsync(upload, 2, Pattern(10, 1)));
        Assert.Equal("old", await TextAsync("k"));
        await Store.AbortUploadAsync(upload, Cancel);
    }

    [Fact]
    public async Task ListParts_SomeArrived_ReturnsThemByNumber()
    {
        var upload = await BeginAsync("k");
        Assert.Empty(await Store.ListPartsAsync(upload, Cancel));
        var third = await SendAsync(upload, 3, Pattern(10, 3));
        var first = await SendAsync(upload, 1, Pattern(PartSize, 1));
        Assert.Equal([first, third], await Store.ListPartsAsync(upload, Cancel));
    }

    [Fact]
    public async Task ListUploads_Prefix_ReturnsThoseThatBeginSo()
    {
        var one = await BeginAsync("uploads/one");
        var two = await BeginAsync("uploads/two");
        var again = await BeginAsync("uploads/two");
        var other = await BeginAsync("other");
        Assert.NotEqual(two, again);
        Assert.Equal(Set(one, two, again), Set(await Store.ListUploadsAsync("uploads/", Cancel)));
        Assert.Equal(Set(two, again), Set(await Store.ListUploadsAsync("uploads/t", Cancel)));
        Assert.Equal(Set(one, two, again, other), Set(await Store.ListUploadsAsync("", Cancel)));
        Assert.Empty(await Store.ListUploadsAsync("none/", Cancel));
        Assert.All(await Store.ListUploadsAsync("", Cancel), u => Assert.InRange(u.Started, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)));
    }

    [Fact]
    public async Task Complete_WrongETagOrMissingPart_FailsAndWritesNothing()
    {
        var upload = await BeginAsync("k");
        var part = await SendAsync(upload, 1, Pattern(1000, 1));
        await FailsAsync(StoreError.Rejected, () => Store.CompleteUploadAsync(upload, [part with { ETag = "0123456789abcdef0123456789abcdef" }], Cancel));
        await FailsAsync(StoreError.Rejected, () => Store.CompleteUploadAsync(upload, [part, new(2, part.ETag, 1000)], Cancel));
        Assert.Null(await Store.HeadAsync("k", Cancel));
        await Store.CompleteUploadAsync(upload, [part], Cancel);
        Assert.Equal(1000, (await Store.HeadAsync("k", Cancel))!.Size);
    }

    [Fact]
    public async Task Complete_SmallPartBeforeTheLast_IsRejected()
    {
        var upload = await BeginAsync("k");
        var first = await SendAsync(upload, 1, Pattern(1000, 1), 0);
        var last = await SendAsync(upload, 2, Pattern(1000, 2), 1000);
        await FailsAsync(StoreError.Rejected, () => Store.CompleteUploadAsync(upload, [first, last], Cancel));
        Assert.Null(await Store.HeadAsync("k", Cancel));
    }

    [Fact]
    public async Task Complete_LastPartLeftOut_EndsBeforeIt()
    {
        var upload = await BeginAsync("k");
        var first = await SendAsync(upload, 1, Pattern(PartSize, 1));
        await SendAsync(upload, 2, Pattern(1000, 2));
        if (!Traits.CompleteLeavesPartsOut)
        {
            await FailsAsync(StoreError.Rejected, () => Store.CompleteUploadAsync(upload, [first], Cancel));
            return;
        }
        await Store.CompleteUploadAsync(upload, [first], Cancel);
        Assert.Equal(Pattern(PartSize, 1), await ReadAsync("k"));
    }

    [Fact]
    public async Task UnknownUpload_EveryCall_SaysSo()
    {
        var known = await BeginAsync("k");
        await Store.AbortUploadAsync(known, Cancel);
        await FailsAsync(StoreError.NoSuchUpload, () => SendAsync(known, 1, [1]));
        await FailsAsync(StoreError.NoSuchUpload, () => Store.CompleteUploadAsync(known, [new(1, "0123456789abcdef0123456789abcdef", 1)], Cancel));
    }

    private static HashSet<UploadId> Set(params UploadId[] uploads) => [.. uploads];

    private static HashSet<UploadId> Set(IEnumerable<PendingUpload> uploads) => [.. uploads.Select(u => u.Upload)];
}
