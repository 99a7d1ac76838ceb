using System.Buffers;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Tests.Stores;

public abstract partial class ObjectStoreContract
{
    [Fact]
    public async Task Get_AfterPut_ReturnsBytesAndHeaders()
    {
        var headers = new ObjectHeaders(MediaTypes.OciManifest, "public, max-age=31536000, immutable")
        {
            Metadata = new Dictionary<string, string> { ["docker-content-digest"] = "sha256:00", ["note"] = "a=b; c %41 d" },
        };
        var etag = await PutAsync("v2/app/manifests/1", "{\"a\":1}", headers);
        Assert.False(string.IsNullOrEmpty(etag));
        Assert.DoesNotContain('"', etag);

        await using var content = await Store.GetAsync("v2/app/manifests/1", null, Cancel);
        Assert.NotNull(content);
        Assert.Equal("{\"a\":1}"u8.ToArray(), await ReadAllAsync(content));
        var head = await Store.HeadAsync("v2/app/manifests/1", Cancel);
        foreach (var info in (ObjectInfo?[])[content.Info, head])
        {
            Assert.NotNull(info);
            Assert.Equal(7, info.Size);
            Assert.Equal(etag, info.ETag);
            Assert.Equal(MediaTypes.OciManifest, info.ContentType);
            Assert.InRange(info.Modified, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            Assert.Equal(Traits.KeepsMetadata ? headers.CacheControl : null, info.CacheControl);
            Assert.Equal(Traits.KeepsMetadata ? headers.Metadata : new Dictionary<string, string>(), info.Metadata);
        }
    }

    [Fact]
    public async Task Put_NoCacheControlOrMetadata_HasNone()
    {
        await PutAsync("plain", "x");
        var info = await Store.HeadAsync("plain", Cancel);
        Assert.Null(info!.CacheControl);
        Assert.Empty(info.Metadata);
        Assert.Equal(MediaTypes.OctetStream, info.ContentType);
    }

    [Theory]
    [InlineData("application/vnd.oci.artifact.manifest.v1+json")]
    [InlineData("text/plain; charset=utf-8")]
    public async Task Put_ForeignContentType_IsKept(string type)
    {
        await PutAsync("k", "x", new(type));
        Assert.Equal(Traits.KeepsAnyContentType ? type : MediaTypes.OctetStream, (await Store.HeadAsync("k", Cancel))!.ContentType);
    }

    [Fact]
    public async Task GetAndHead_MissingKey_ReturnNull()
    {
        await PutAsync("v2/app/manifests/1", "x");
        foreach (var key in (string[])["nothing", "v2", "v2/", "v2/app/manifests", "v2/app/manifests/", "v2/app/manifests/1/", "v2/app/manifests/1/2", "V2/app/manifests/1"])
        {
            Assert.Null(await Store.HeadAsync(key, Cancel));
            Assert.Null(await Store.GetAsync(key, null, Cancel));
            Assert.Null(await Store.GetAsync(key, new ByteRange(0, 1), Cancel));
        }
    }

    [Fact]
    public async Task Put_EmptyBody_IsAnObject()
    {
        await Store.PutAsync("empty", ReadOnlySequence<byte>.Empty, Plain, PutCondition.None, Cancel);
        Assert.Equal(0, (await Store.HeadAsync("empty", Cancel))!.Size);
        Assert.Empty((await ReadAsync("empty"))!);
    }

    [Fact]
    public async Task Put_BodyOfManySegments_IsWrittenInOrder()
    {
        var bytes = Pattern(100_000, 1);
        await Store.PutAsync("segments", Segments.Of(bytes, 7_001), Plain, PutCondition.None, Cancel);
        Assert.Equal(bytes, await ReadAsync("segments"));
    }

    [Fact]
    public async Task Put_Again_ReplacesContentTypeAndMetadata()
    {
        var first = await PutAsync("tag", "one", new(MediaTypes.OciManifest, "no-cache") { Metadata = new Dictionary<string, string> { ["a"] = "1" } });
        var second = await PutAsync("tag", "second", new(MediaTypes.OciIndex));
        Assert.NotEqual(first, second);
        var info = await Store.HeadAsync("tag", Cancel);
        Assert.Equal((6, second, MediaTypes.OciIndex, null), (info!.Size, info.ETag, info.ContentType, info.CacheControl));
        Assert.Empty(info.Metadata);
        Assert.Equal("second", await TextAsync("tag"));
    }

    [Fact]
    public async Task Put_EveryTypeAfterEveryOther_LastOneCounts()
    {
        string[] types = [.. KnownTypes, "application/x-foreign"];
        foreach (var (before, after) in types.SelectMany(before => types.Select(after => (before, after))))
        {
            await PutAsync("tag", before, new(before));
            await PutAsync("tag", after, new(after));
            Assert.Equal(after, await TextAsync("tag"));
            if (Traits.KeepsAnyContentType || KnownTypes.Contains(after))
                Assert.Equal(after, (await Store.HeadAsync("tag", Cancel))!.ContentType);
            Assert.Single((await Store.ListAsync(new(""), Cancel)).Objects);
        }
        await Store.DeleteAsync("tag", Cancel);
        Assert.Null(await Store.HeadAsync("tag", Cancel));
        Assert.Empty((await Store.ListAsync(new(""), Cancel)).Objects);
    }

    [Fact]
    public async Task Put_EqualContent_HasEqualETag()
    {
        var one = await PutAsync("one", "same", new(MediaTypes.OciManifest));
        var other = await PutAsync("other", "same", new(MediaTypes.Json, "no-cache"));
        var different = await PutAsync("different", "Same");
        Assert.Equal(one, other);
        Assert.NotEqual(one, different);
    }

    [Fact]
    public async Task Put_Sha256Stated_IsCheckedOrIgnored()
    {
        var right = Plain with { Sha256 = Digest.Of("right"u8) };
        await PutAsync("k", "right", right);
        if (Traits.ChecksSha256)
        {
            await FailsAsync(StoreError.ChecksumMismatch, () => PutAsync("k", "wrong", right));
            Assert.Equal("right", await TextAsync("k"));
        }
        else
        {
            await PutAsync("k", "wrong", right);
            Assert.Equal("wrong", await TextAsync("k"));
        }
    }

    [Theory]
    [InlineData(0, 0, 0, 1)]
    [InlineData(0, null, 0, 1000)]
    [InlineData(5, 9, 5, 5)]
    [InlineData(999, 999, 999, 1)]
    [InlineData(999, null, 999, 1)]
    [InlineData(990, 5000, 990, 10)]
    [InlineData(0, 999, 0, 1000)]
    public async Task Get_Range_ReturnsThoseBytesAndTheWholeSize(int first, int? last, int start, int length)
    {
        var bytes = Pattern(1000, 2);
        await Store.PutAsync("k", new(bytes), Plain, PutCondition.None, Cancel);
        await using var content = await Store.GetAsync("k", new ByteRange(first, last), Cancel);
        Assert.Equal(1000, content!.Info.Size);
        Assert.Equal(length, content.Length);
        Assert.Equal(bytes.AsSpan(start, length).ToArray(), await ReadAllAsync(content));
    }

    [Theory]
    [InlineData("abc", 3)]
    [InlineData("abc", 1_000_000)]
    [InlineData("", 0)]
    public async Task Get_RangePastTheEnd_IsNotSatisfiable(string text, int first)
    {
        await PutAsync("k", text);
        await FailsAsync(StoreError.RangeNotSatisfiable, () => Store.GetAsync("k", new ByteRange(first, first + 5), Cancel));
        await FailsAsync(StoreError.RangeNotSatisfiable, () => Store.GetAsync("k", new ByteRange(first), Cancel));
    }

    [Fact]
    public async Task Delete_Object_RemovesItAlone()
    {
        foreach (var key in (string[])["a", "a/b", "a/b/c", "ab"])
            await PutAsync(key, key);
        await Store.DeleteAsync("a/b", Cancel);
        Assert.Null(await ReadAsync("a/b"));
        Assert.Equal("a/b/c", await TextAsync("a/b/c"));
        await Store.DeleteAsync("a/b/c", Cancel);
        Assert.Equal("a", await TextAsync("a"));
        await PutAsync("a/b/c", "again");
        Assert.Equal("again", await TextAsync("a/b/c"));
    }

    [Fact]
    public async Task Delete_MissingKey_IsNoError()
    {
        await Store.DeleteAsync("nothing", Cancel);
        await Store.DeleteAsync("no/such/folder/nothing", Cancel);
    }

    [Fact]
    public async Task Get_WhileReplaced_IsAllOfOneVersion()
    {
        const int size = 300_000;
        var bodies = Enumerable.Range(0, 2).Select(n => Enumerable.Repeat((byte)('a' + n), size + n).ToArray()).ToArray();
        string[] types = [MediaTypes.OciManifest, MediaTypes.OciIndex];
        await Store.PutAsync("k", new(bodies[0]), new(types[0]), PutCondition.None, Cancel);
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                await using var content = await Store.GetAsync("k", null, Cancel);
                if (content is null && !Traits.IsThereWhileReplaced)
                    continue;
                Assert.NotNull(content);
                var bytes = await ReadAllAsync(content);
                var version = bytes[0] - 'a';
                Assert.Equal(bodies[version], bytes);
                Assert.Equal(types[version], content.Info.ContentType);
                var head = await Store.HeadAsync("k", Cancel);
                if (head is null && !Traits.IsThereWhileReplaced)
                    continue;
                Assert.NotNull(head);
                Assert.Equal(types[head.Size - size], head.ContentType);
            }
        }, Cancel)).ToArray();
        for (var n = 1; n <= 40; n++)
            await Store.PutAsync("k", new(bodies[n % 2]), new(types[n % 2]), PutCondition.None, Cancel);
        await done.CancelAsync();
        await Task.WhenAll(readers);
    }

    [Fact]
    public async Task EveryCall_MissingBucket_SaysSo()
    {
        var missing = await OpenMissingAsync(new());
        var upload = new UploadId("k", "none");
        Func<Task>[] calls =
        [
            () => missing.HeadAsync("k", Cancel),
            () => missing.GetAsync("k", null, Cancel),
            () => missing.PutAsync("k", Bytes("x"), Plain, PutCondition.None, Cancel),
            () => missing.ListAsync(new(""), Cancel),
            () => missing.CreateUploadAsync("k", Plain, Cancel),
            () => missing.ListUploadsAsync("", Cancel),
        ];
        foreach (var call in calls)
        {
            var failure = await FailsAsync(StoreError.NoSuchBucket, call);
            Assert.Equal(Failure.NotFound, failure.Failure);
        }
    }

    [Fact]
    public async Task EveryCall_Cancelled_Throws()
    {
        using var source = new CancellationTokenSource();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.HeadAsync("k", source.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.GetAsync("k", null, source.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.PutAsync("k", Bytes("x"), Plain, PutCondition.None, source.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.ListAsync(new(""), source.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.DeleteAsync("k", source.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.CreateUploadAsync("k", Plain, source.Token));
        Assert.Empty((await Store.ListAsync(new(""), Cancel)).Objects);
        Assert.Empty(await Store.ListUploadsAsync("", Cancel));
    }

    [Fact]
    public async Task EveryCall_IsOneRequest()
    {
        var scope = Meter.BeginScope();
        await PutAsync("k", "x");
        await Store.HeadAsync("k", Cancel);
        await Store.HeadAsync("missing", Cancel);
        await ReadAsync("k");
        await Store.ListAsync(new(""), Cancel);
        var kept = await Store.CreateUploadAsync("u", Plain, Cancel);
        var part = await Store.UploadPartAsync(new("u", kept), 1, 0, Bytes("x"), Cancel);
        await Store.ListPartsAsync(new("u", kept), Cancel);
        await Store.ListUploadsAsync("", Cancel);
        await Store.CompleteUploadAsync(new("u", kept), [new(1, part, 1)], Cancel);
        await Store.AbortUploadAsync(new("u", await Store.CreateUploadAsync("u", Plain, Cancel)), Cancel);
        await Store.DeleteAsync("k", Cancel);
        Assert.Equal(
            new Dictionary<StoreOperation, long>
            {
                [StoreOperation.PutObject] = 1,
                [StoreOperation.HeadObject] = 2,
                [StoreOperation.GetObject] = 1,
                [StoreOperation.ListObjects] = 1,
                [StoreOperation.CreateMultipartUpload] = 2,
                [StoreOperation.UploadPart] = 1,
                [StoreOperation.ListParts] = 1,
                [StoreOperation.ListMultipartUploads] = 1,
                [StoreOperation.CompleteMultipartUpload] = 1,
                [StoreOperation.AbortMultipartUpload] = 1,
                [StoreOperation.DeleteObject] = 1,
            }.OrderBy(pair => pair.Key),
            scope.Counts.OrderBy(pair => pair.Key));
    }
}
