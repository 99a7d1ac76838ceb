using Pail.S3;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;
using Pail.Tests.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>A store that makes objects only of parts of one size, as Cloudflare R2 does.</summary>
public sealed class EqualPartsTests : IDisposable
{
    private const int MiB = 1 << 20;
    private const string Uploads = "/v2/team/app/blobs/uploads/";

    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData(10)]
    [InlineData(50)]
    public async Task Blob_PushedInAnyWay_IsStored(int size)
    {
        await using var server = await StartAsync();
        foreach (var sized in (bool[])[true, false])
        {
            var blob = new TestBlob(size * MiB, seed: sized ? 1 : 2);
            (await server.SendAsync("POST", $"{Uploads}?digest={blob.Descriptor.Digest}", Body(sized, blob.Bytes))).Is(201);
            blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));

            var last = new TestBlob(size * MiB, seed: sized ? 3 : 4);
            await PushInChunksAsync(server, last, sized, last.Bytes.Length);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Blob_PushedInChunks_IsStored(bool sized)
    {
        await using var server = await StartAsync();
        await PushInChunksAsync(server, new TestBlob(60 * MiB), sized, 9 * MiB, 3 * MiB, 20 * MiB, 28 * MiB);
    }

    [Theory]
    [InlineData("https://account.r2.cloudflarestorage.com", true)]
    [InlineData("https://account.eu.r2.cloudflarestorage.com", true)]
    [InlineData("https://s3.example.com", false)]
    public void S3Store_KnowsWhoWantsThem(string endpoint, bool expected)
    {
        using var store = S3Store.Open(S3Server.Options(endpoint, "bucket", ""), new RequestMeter());
        Assert.Equal(expected, ((IObjectStore)store).WantsEqualParts);
    }

    public void Dispose() => _folder.Dispose();

    private Task<TestServer> StartAsync()
    {
        var store = new FolderStore(_folder.Path, new RequestMeter());
        return TestServer.StartReplicasAsync(store, wrap: new HookedStore(store) { WantsEqualParts = true });
    }

    private static HttpContent Body(bool sized, byte[] bytes, int from = 0, int? length = null) =>
        sized ? Bodies.Sized(bytes, from, length) : Bodies.Streamed(bytes, from, length);

    private static async Task PushInChunksAsync(TestServer server, TestBlob blob, bool sized, params int[] chunks)
    {
        var (location, at) = ((await server.SendAsync("POST", Uploads, Bodies.Empty())).Is(202).Location, 0);
        foreach (var length in chunks)
        {
            location = (await server.SendAsync("PATCH", location, Body(sized, blob.Bytes, at, length))).Is(202).Location;
            at += length;
        }
        (await server.SendAsync("PUT", $"{location}?digest={blob.Descriptor.Digest}", Bodies.Empty())).Is(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
        await server.AssertNothingLeftAsync();
    }
}
