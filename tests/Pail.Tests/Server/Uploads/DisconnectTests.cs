using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Tests.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>Clients that break off in the middle of a body.</summary>
public sealed class DisconnectTests : IAsyncDisposable
{
    private const int MiB = 1 << 20;
    private const string Uploads = "/v2/team/app/blobs/uploads/";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-disconnects-");

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(0, 18 * MiB)]
    [InlineData(100, 1000)]
    [InlineData(9 * MiB, 18 * MiB)]
    public async Task Patch_BrokenOff_LeavesTheSessionWhereItWas(int before, int at)
    {
        await using var server = await TestServer.StartReplicasAsync(new FolderStore(_folder.FullName, new RequestMeter()));
        var blob = new TestBlob(before + (20 * MiB));
        var rest = blob.Bytes[before..];
        var location = (await server.SendAsync("POST", Uploads, Bodies.Empty())).Location;
        if (before > 0)
            location = (await server.SendAsync("PATCH", location, Bodies.Sized(blob.Bytes, 0, before))).Is(202).Location;
        await BreakAsync(server, "PATCH", location, rest, at);
        await server.AssertNothingLeftAsync();
        Assert.Equal($"0-{Math.Max(0, before - 1)}", (await server.SendAsync("GET", location)).Is(204)["Range"]);
        location = (await server.SendAsync("PATCH", location, Bodies.Streamed(rest))).Is(202).Location;
        (await server.SendAsync("PUT", $"{location}?digest={blob.Descriptor.Digest}", Bodies.Empty())).Is(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        Assert.Empty(await server.KeysAsync("pail/uploads/"));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(18 * MiB)]
    public async Task Put_BrokenOff_ShowsNothing(int at)
    {
        await using var server = await TestServer.StartReplicasAsync(new FolderStore(_folder.FullName, new RequestMeter()));
        var blob = new TestBlob(20 * MiB);
        var location = $"{(await server.SendAsync("POST", Uploads, Bodies.Empty())).Location}?digest={blob.Descriptor.Digest}";
        await BreakAsync(server, "PUT", location, blob.Bytes, at);
        await server.AssertNothingLeftAsync();
        Assert.Null(await server.BlobAsync(blob.Descriptor.Digest));
        // What came so far is no blob either.
        Assert.Null(await server.BlobAsync(Digest.Of(blob.Bytes.AsSpan(0, at))));
        (await server.SendAsync("PUT", location, Bodies.Sized(blob.Bytes))).Is(201);
        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
    }

    private static async Task BreakAsync(TestServer server, string method, string location, byte[] bytes, int at)
    {
        var (breaks, reached) = (new TaskCompletionSource(), new TaskCompletionSource());
        var sending = server.SendAsync(method, location, Bodies.Gated(bytes, at, breaks.Task, reached.SetResult));
        await reached.Task;
        await Eventually.TrueAsync(() => server.Engines[0].Buffers.InUse > 0);
        breaks.SetException(new IOException("The client went away."));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => sending);
    }
}
