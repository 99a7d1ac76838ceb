using System.Buffers;
using System.Text;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit;

namespace Pail.Tests.Stores;

/// <summary>What lies in the folder, and what others may have put there.</summary>
public sealed class FolderFilesTests : IDisposable
{
    private static readonly ObjectHeaders Plain = new(MediaTypes.OctetStream);

    private readonly string _directory = Directory.CreateTempSubdirectory("pail-test-").FullName;
    private readonly string _bucket;
    private readonly FolderStore _store;

    public FolderFilesTests()
    {
        _bucket = Path.Combine(_directory, "bucket");
        FolderStore.Create(_bucket);
        _store = new(_bucket, new());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Put_ObjectsOfARegistry_LieAtTheirKeys()
    {
        await PutAsync("pail.json", MediaTypes.Json);
        await PutAsync("v2/", MediaTypes.Json);
        await PutAsync("v2/a/blobs/sha256:00", MediaTypes.OctetStream);
        await PutAsync("v2/a/manifests/1.0", MediaTypes.OciManifest);
        await PutAsync("v2/a/manifests/2", MediaTypes.DockerManifest);
        await PutAsync("v2/a/manifests/3", MediaTypes.OciIndex);
        await PutAsync("v2/a/manifests/4", MediaTypes.DockerManifestList);
        await PutAsync("v2/a/manifests/5", "application/vnd.docker.distribution.manifest.v1+prettyjws");
        await PutAsync("v2/a/tags/list", MediaTypes.Json);
        await PutAsync("v2/a/tags/list/manifests/x", MediaTypes.OciManifest);
        await PutAsync(".pail/tmp/x", MediaTypes.Json);
        Assert.Equal(
            [
                "%2Epail/tmp/x.@json", "pail.json.@json", "v2/.@json", "v2/a/blobs/sha256:00.@blob", "v2/a/manifests/1.0.@oci-manifest", "v2/a/manifests/2.@docker-manifest",
                "v2/a/manifests/3.@oci-index", "v2/a/manifests/4.@docker-list", "v2/a/manifests/5.@other", "v2/a/tags/list.@json", "v2/a/tags/list/manifests/x.@oci-manifest",
            ],
            Files());
        Assert.Empty(Directory.GetFiles($"{_bucket}/.pail/tmp"));
    }

    [Fact]
    public async Task Delete_LastObjects_LeavesNoDirectories()
    {
        await PutAsync("v2/a/b/manifests/1", MediaTypes.OciManifest);
        await PutAsync("v2/a/manifests/1", MediaTypes.OciManifest);
        await _store.DeleteAsync("v2/a/b/manifests/1", Cancel);
        Assert.Equal([$"{_bucket}/v2/a/manifests"], Directory.GetDirectories($"{_bucket}/v2/a"));
        await _store.DeleteAsync("v2/a/manifests/1", Cancel);
        Assert.Equal([$"{_bucket}/.pail"], Directory.GetDirectories(_bucket));
    }

    [Fact]
    public async Task Get_WholeObject_IsAFileStream()
    {
        await PutAsync("k", MediaTypes.OctetStream);
        await using var content = await _store.GetAsync("k", null, Cancel);
        var file = Assert.IsType<FileStream>(content!.Body);
        Assert.Equal(content.Length, RandomAccess.GetLength(file.SafeFileHandle));
    }

    [Fact]
    public async Task Get_ThenReplacedAndDeleted_ReadsOnWhatItWas()
    {
        await PutAsync("k", MediaTypes.OctetStream, "before");
        await using var whole = await _store.GetAsync("k", null, Cancel);
        await using var part = await _store.GetAsync("k", new(1, 3), Cancel);
        await PutAsync("k", MediaTypes.OctetStream, "after!");
        await _store.DeleteAsync("k", Cancel);
        Assert.Equal("before", await new StreamReader(whole!.Body).ReadToEndAsync(Cancel));
        Assert.Equal("efo", await new StreamReader(part!.Body).ReadToEndAsync(Cancel));
    }

    [Fact]
    public async Task FileWithoutAttribute_IsAnObjectByItsName()
    {
        // As "cp -r" or git leave a bucket.
        await PutAsync("v2/a/manifests/1", MediaTypes.OciIndex, "content");
        var etag = (await _store.HeadAsync("v2/a/manifests/1", Cancel))!.ETag;
        var file = $"{_bucket}/v2/a/manifests/1.@oci-index";
        await File.WriteAllTextAsync(file + ".new", "content", Cancel);
        File.Move(file + ".new", file, overwrite: true);
        var info = await _store.HeadAsync("v2/a/manifests/1", Cancel);
        Assert.Equal((7, etag, MediaTypes.OciIndex, null), (info!.Size, info.ETag, info.ContentType, info.CacheControl));
        Assert.NotNull(await _store.PutAsync("v2/a/manifests/1", Bytes("next"), new(MediaTypes.OciManifest), PutCondition.IfMatch(etag), Cancel));
    }

    [Fact]
    public async Task Links_InTheFolder_AreNotFollowed()
    {
        var outside = Path.Combine(_directory, "outside");
        Directory.CreateDirectory(outside);
        await File.WriteAllTextAsync($"{outside}/secret.@json", "secret", Cancel);
        Directory.CreateDirectory($"{_bucket}/v2");
        File.CreateSymbolicLink($"{_bucket}/v2/file.@json", $"{outside}/secret.@json");
        Directory.CreateSymbolicLink($"{_bucket}/v2/out", outside);
        Directory.CreateSymbolicLink($"{_bucket}/v2/loop", _bucket);

        Assert.Null(await _store.HeadAsync("v2/file", Cancel));
        Assert.Null(await _store.GetAsync("v2/out/secret", null, Cancel));
        foreach (var prefix in (string[])["", "v2/", "v2/out/", "v2/loop/", "v2/out/secret"])
            Assert.Empty((await _store.ListAsync(new(prefix), Cancel)).Objects);
        Assert.Empty((await _store.ListAsync(new("v2/", "/"), Cancel)).Prefixes);
        Assert.Equal(StoreError.Rejected, (await Assert.ThrowsAsync<StoreException>(() => PutAsync("v2/out/new", MediaTypes.Json))).Error);
        Assert.Equal(StoreError.Rejected, (await Assert.ThrowsAsync<StoreException>(() => PutAsync("v2/out/deep/new", MediaTypes.Json))).Error);
        await _store.DeleteAsync("v2/out/secret", Cancel);
        await PutAsync("v2/file", MediaTypes.Json, "mine");

        Assert.Equal("secret", await File.ReadAllTextAsync($"{outside}/secret.@json", Cancel));
        Assert.Equal([$"{outside}/secret.@json"], Directory.GetFileSystemEntries(outside));
        Assert.Equal("mine", await TextAsync("v2/file"));
    }

    [Fact]
    public async Task Links_InPlaceOfPailsOwnDirectories_HarmNothingOutside()
    {
        var outside = Path.Combine(_directory, "outside");
        Directory.CreateDirectory($"{outside}/precious");
        await File.WriteAllTextAsync($"{outside}/old", "old", Cancel);
        File.SetLastWriteTimeUtc($"{outside}/old", DateTime.UtcNow.AddDays(-9));
        Directory.SetLastWriteTimeUtc($"{outside}/precious", DateTime.UtcNow.AddDays(-9));
        Directory.CreateDirectory($"{_bucket}/.pail");
        foreach (var name in (string[])["tmp", "locks", "uploads"])
            Directory.CreateSymbolicLink($"{_bucket}/.pail/{name}", outside);
        Assert.Equal(StoreError.Rejected, (await Assert.ThrowsAsync<StoreException>(() => PutAsync("k", MediaTypes.Json))).Error);
        Assert.Equal(StoreError.Rejected, (await Assert.ThrowsAsync<StoreException>(() => _store.DeleteAsync("k", Cancel))).Error);
        Assert.Equal(StoreError.Rejected, (await Assert.ThrowsAsync<StoreException>(() => _store.CreateUploadAsync("k", Plain, Cancel))).Error);
        Assert.Equal(["old", "precious"], Directory.GetFileSystemEntries(outside).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("v2/dir/file", 0)]
    [InlineData("v2/dir", 0)]
    [InlineData("v2/dir/none", Posix.NoEntry)]
    [InlineData("none/file", Posix.NoEntry)]
    [InlineData("v2/link", -1)]
    [InlineData("v2/out/secret", -1)]
    [InlineData("out/v2/dir/file", -1)]
    public void OpenAfterALook_AnyPath_OpensWhatIsNoLink(string path, int expected)
    {
        Directory.CreateDirectory($"{_bucket}/v2/dir");
        File.WriteAllText($"{_bucket}/v2/dir/file", "");
        File.WriteAllText($"{_directory}/secret", "");
        File.CreateSymbolicLink($"{_bucket}/v2/link", "dir/file");
        Directory.CreateSymbolicLink($"{_bucket}/v2/out", _directory);
        Directory.CreateSymbolicLink($"{_bucket}/out", _bucket);
        // As on a system without openat2: old Linux, macOS.
        using var file = Posix.OpenAfterALook(_bucket, $"{_bucket}/{path}", out var error);
        Assert.Equal(expected < 0 ? Posix.Loop : expected, error);
        Assert.Equal(expected == 0, file is not null);
    }

    [Fact]
    public async Task Folder_BehindALink_Works()
    {
        Directory.CreateSymbolicLink($"{_directory}/link", _bucket);
        var store = new FolderStore($"{_directory}/link/", new());
        await store.PutAsync("a/b", Bytes("x"), Plain, PutCondition.None, Cancel);
        Assert.Equal("x", await TextAsync("a/b"));
        Assert.Equal(["a/b"], (await store.ListAsync(new("a/"), Cancel)).Objects.Select(o => o.Key));
    }

    [Fact]
    [NeedsServers]
    public async Task ObjectNames_OfWhatIsNoFile_AreNoObjects()
    {
        Directory.CreateDirectory($"{_bucket}/d.@json");
        (await Child.RunAsync("mkfifo", [$"{_bucket}/p.@json"])).Succeeded();
        foreach (var key in (string[])["d", "p"])
        {
            Assert.Null(await _store.HeadAsync(key, Cancel));
            Assert.Null(await _store.GetAsync(key, null, Cancel));
        }
        Assert.Empty((await _store.ListAsync(new(""), Cancel)).Objects);
        Assert.Equal(StoreError.Rejected, (await Assert.ThrowsAsync<StoreException>(() => PutAsync("d", MediaTypes.Json))).Error);
        await PutAsync("d", "application/x-foreign", "mine");
        Assert.Equal("mine", await TextAsync("d"));
        await _store.DeleteAsync("d", Cancel);
        Assert.True(Directory.Exists($"{_bucket}/d.@json"));
    }

    [Fact]
    public async Task Put_ForeignFileInTheWay_IsRejected()
    {
        await File.WriteAllTextAsync($"{_bucket}/v2", "", Cancel);
        Assert.Null(await _store.HeadAsync("v2/a", Cancel));
        Assert.Equal(StoreError.Rejected, (await Assert.ThrowsAsync<StoreException>(() => PutAsync("v2/a/b", MediaTypes.Json))).Error);
        await _store.DeleteAsync("v2/a", Cancel);
        Assert.True(File.Exists($"{_bucket}/v2"));
    }

    [Fact]
    public async Task Sweep_FilesOfDeadWriters_GoAfterADay()
    {
        var upload = new UploadId("k", await _store.CreateUploadAsync("k", Plain, Cancel));
        var finished = $"{_bucket}/.pail/uploads/{new string('0', 32)}";
        string[] left = [$"{_bucket}/.pail/tmp/old", $"{_bucket}/.pail/tmp/new", $"{_bucket}/.pail/tmp/dir/x", $"{finished}/key"];
        foreach (var file in left)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, "", Cancel);
        }
        foreach (var path in (string[])[left[0], Path.GetDirectoryName(left[2])!, finished, $"{_bucket}/.pail/uploads/{upload.Id}"])
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-1.1));
        // The first write of a program looks for what others left.
        await new FolderStore(_bucket, new()).PutAsync("x", Bytes("x"), Plain, PutCondition.None, Cancel);
        Assert.Equal([left[1]], Directory.GetFileSystemEntries($"{_bucket}/.pail/tmp"));
        Assert.Equal([$"{_bucket}/.pail/uploads/{upload.Id}"], Directory.GetFileSystemEntries($"{_bucket}/.pail/uploads"));
        Assert.Single(await _store.ListUploadsAsync("", Cancel));
    }

    [Fact]
    [NeedsServers]
    public async Task Copy_SameHeaders_SharesTheFileAndIsNew()
    {
        var headers = new ObjectHeaders(MediaTypes.OctetStream, "immutable") { Metadata = new Dictionary<string, string> { ["a"] = "b" } };
        await _store.PutAsync("from", Bytes("layer"), headers, PutCondition.None, Cancel);
        File.SetLastWriteTimeUtc($"{_bucket}/from.@blob", DateTime.UtcNow.AddDays(-30));
        Assert.True(await _store.CopyAsync("from", "same", headers, Cancel));
        Assert.True(await _store.CopyAsync("from", "other", headers with { CacheControl = null }, Cancel));
        Assert.Equal("2 2 1", $"{await LinksAsync("from")} {await LinksAsync("same")} {await LinksAsync("other")}");
        foreach (var key in (string[])["same", "other"])
            Assert.InRange((await _store.HeadAsync(key, Cancel))!.Modified, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await _store.DeleteAsync("from", Cancel);
        Assert.Equal("1", await LinksAsync("same"));
        Assert.Equal("layer", await TextAsync("same"));
        Assert.Empty(Directory.GetFiles($"{_bucket}/.pail/tmp"));

        async Task<string> LinksAsync(string key) => (await Child.RunAsync("stat", ["-c", "%h", $"{_bucket}/{key}.@blob"])).Succeeded().Output.Trim();
    }

    [Fact]
    [NeedsServers]
    public async Task DiskFull_Put_SaysSoAndKeepsTheOld()
    {
        await using var mount = await Mount.MakeAsync("tmpfs", "size=1m");
        var store = new FolderStore(mount.Directory, new());
        await store.PutAsync("k", Bytes("old"), Plain, PutCondition.None, Cancel);
        var failure = await Assert.ThrowsAsync<StoreException>(() => store.PutAsync("k", new(new byte[2 << 20]), Plain, PutCondition.None, Cancel));
        Assert.Equal(StoreError.Unavailable, failure.Error);
        Assert.Equal($"file:{mount.Directory}, k: the disk is full.", failure.Message);
        Assert.Equal(3, (await store.HeadAsync("k", Cancel))!.Size);
        Assert.Empty(Directory.GetFiles($"{mount.Directory}/.pail/tmp"));
    }

    [Fact]
    [NeedsServers]
    public async Task ReadOnlyFolder_Reads_ButDoesNotWrite()
    {
        await using var mount = await Mount.MakeAsync("tmpfs");
        var store = new FolderStore(mount.Directory, new());
        await store.PutAsync("a/k", Bytes("old"), Plain, PutCondition.None, Cancel);
        await mount.RemountAsync("ro");
        Assert.Equal(3, (await store.HeadAsync("a/k", Cancel))!.Size);
        Assert.Single((await store.ListAsync(new(""), Cancel)).Objects);
        Assert.Equal(StoreError.AccessDenied, (await Assert.ThrowsAsync<StoreException>(() => store.PutAsync("k", Bytes("x"), Plain, PutCondition.None, Cancel))).Error);
        Assert.Equal(StoreError.AccessDenied, (await Assert.ThrowsAsync<StoreException>(() => store.DeleteAsync("a/k", Cancel))).Error);
    }

    [Fact]
    public void Create_FileInTheWay_IsRejected()
    {
        FolderStore.Create(_bucket);
        File.WriteAllText($"{_directory}/file", "");
        Assert.Equal(StoreError.Rejected, Assert.Throws<StoreException>(() => FolderStore.Create($"{_directory}/file")).Error);
        Assert.Equal(StoreError.Rejected, Assert.Throws<StoreException>(() => FolderStore.Create($"{_directory}/file/below")).Error);
    }

    private static ReadOnlySequence<byte> Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

    private Task<string?> PutAsync(string key, string type, string text = "x") => _store.PutAsync(key, Bytes(text), new(type), PutCondition.None, Cancel);

    private async Task<string> TextAsync(string key)
    {
        await using var content = await _store.GetAsync(key, null, Cancel);
        return await new StreamReader(content!.Body).ReadToEndAsync(Cancel);
    }

    private IEnumerable<string> Files() => Directory.GetFiles(_bucket, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
        .Select(file => Path.GetRelativePath(_bucket, file)).Where(file => !file.StartsWith(".pail/", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
}
