using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Transfer;
using Pail.Transfer;

namespace Pail.Tests.Server.Uploads;

/// <summary>Uploads to a folder.</summary>
public sealed class FolderUploadTests : UploadContract
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-uploads-");

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Mount_OfALayerThatStatesItsTar_IsAnotherNameOfItsFile()
    {
        var server = await StartAsync();
        var blob = new TestBlob(100_000);
        var layer = blob.Descriptor with { DiffId = Digest.Of([1]) };
        var bucket = new Bucket(server.Store, new TransferEngine(new()), new BucketSettings(LayoutKind.V2, Public: false));
        await bucket.Repository(RepositoryName.Parse("other/one")).Blobs.PutAsync(layer, blob.Open, NoProgress.Instance, cancel: TestContext.Current.CancellationToken);

        (await server.SendAsync("POST", $"/v2/team/app/blobs/uploads/?mount={layer.Digest}&from=other/one", Bodies.Empty())).Is(201);

        Assert.Equal(layer.DiffId, (await bucket.Repository(RepositoryName.Parse("team/app")).Blobs.FindAsync(layer.Digest, TestContext.Current.CancellationToken))!.DiffId);
        Assert.Equal(2, await LinksAsync($"v2/team/app/blobs/{layer.Digest}"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Upload_OfOneStagedPiece_BecomesTheBlobWithoutACopy(bool statesTar)
    {
        var server = await StartAsync();
        var blob = new TestBlob(20 << 20);
        var key = $"v2/team/app/blobs/{blob.Descriptor.Digest}";
        var sent = await server.SendAsync("PATCH", (await server.SendAsync("POST", "/v2/team/app/blobs/uploads/", Bodies.Empty())).Location, Bodies.Streamed(blob.Bytes));
        var staged = Assert.Single(await server.KeysAsync("pail/uploads/"));
        var inode = await StatAsync("%i", staged);
        var closing = Bodies.Empty();
        if (statesTar)
            closing.Headers.TryAddWithoutValidation("Pail-Diff-Id", Digest.Of([2]).ToString());

        (await server.SendAsync("PUT", $"{sent.Is(202).Location}?digest={blob.Descriptor.Digest}", closing)).Is(201);

        blob.AssertIs(await server.BlobAsync(blob.Descriptor.Digest));
        // What says more than the piece did needs attributes, and so a file, of its own.
        Assert.Equal(!statesTar, await StatAsync("%i", key) == inode);
        var bucket = new Bucket(server.Store, new TransferEngine(new()), new BucketSettings(LayoutKind.V2, Public: false));
        Assert.Equal(statesTar ? Digest.Of([2]) : null, (await bucket.Repository(RepositoryName.Parse("team/app")).Blobs.FindAsync(blob.Descriptor.Digest, TestContext.Current.CancellationToken))!.DiffId);
    }

    private async Task<int> LinksAsync(string key) => int.Parse(await StatAsync("%h", key));

    private async Task<string> StatAsync(string format, string key)
    {
        var file = Directory.EnumerateFiles(_folder.FullName, Path.GetFileName(key) + "*", SearchOption.AllDirectories).Single(path => path.Contains(Path.GetDirectoryName(key)!, StringComparison.Ordinal));
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", format, file]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        return (await stat.StandardOutput.ReadToEndAsync()).Trim();
    }

    private protected override Task<IObjectStore> NewBucketAsync() => Task.FromResult<IObjectStore>(new FolderStore(_folder.FullName, Meter));
}
