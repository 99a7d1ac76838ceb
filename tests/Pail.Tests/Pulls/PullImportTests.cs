using System.IO.Compression;
using System.Text;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Pulls;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Transfer;

namespace Pail.Tests.Pulls;

public sealed class PullImportTests : IDisposable
{
    // As the Amazon S3 User Guide shows them; names changed.
    private static readonly Digest Named = Digest.Of([1]);

    private static readonly string S3Log = string.Join('\n',
        S3Line("27/Nov/2026:10:15:00 +0000", "acme", "REST.GET.OBJECT", "v2/team/app/manifests/1.0", 200),
        S3Line("27/Nov/2026:11:20:30 +0000", "acme", "REST.GET.OBJECT", "v2/team/app/manifests/1.0", 304),
        S3Line("27/Nov/2026:10:16:00 +0000", "acme", "REST.GET.OBJECT", $"v2/team/app/manifests/{Named.ToString().Replace(":", "%253A", StringComparison.Ordinal)}", 200),
        S3Line("27/Nov/2026:12:00:00 +0000", "acme", "REST.GET.OBJECT", "v2/team/app/manifests/2.0", 404),
        S3Line("27/Nov/2026:12:00:00 +0000", "acme", "REST.HEAD.OBJECT", "v2/team/app/manifests/3.0", 200),
        S3Line("27/Nov/2026:12:00:00 +0000", "other", "REST.GET.OBJECT", "v2/team/app/manifests/4.0", 200),
        S3Line("27/Nov/2026:09:00:00 +0000", "acme", "REST.GET.OBJECT", $"v2/team/app/blobs/{Named}", 200),
        S3Line("27/Nov/2026:12:00:00 +0000", "acme", "REST.PUT.OBJECT", "v2/team/app/manifests/5.0", 200),
        "");

    private static readonly string CloudFrontLog = string.Join('\n',
        "#Version: 1.0",
        "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent)",
        "2026-11-27\t10:15:00\tFRA2\t1045619\t192.0.2.1\tGET\td1.cloudfront.net\t/v2/team/app/manifests/1.0\t200\t-\tdocker/26",
        $"2026-11-27\t13:00:01\tFRA2\t2\t192.0.2.1\tGET\td1.cloudfront.net\t/v2/team/app/manifests/{Named.ToString().Replace(":", "%3A", StringComparison.Ordinal)}\t200\t-\tdocker/26",
        "2026-11-27\t14:00:00\tFRA2\t2\t192.0.2.1\tHEAD\td1.cloudfront.net\t/v2/team/app/manifests/2.0\t200\t-\tdocker/26",
        "2026-11-27\t14:00:00\tFRA2\t2\t192.0.2.1\tGET\td1.cloudfront.net\t/v2/team/app/manifests/3.0\t403\t-\tdocker/26",
        "");

    private readonly TestFolder _folder = new();
    private readonly Bucket _bucket;

    public PullImportTests()
    {
        FolderStore.Create(_folder["bucket"]);
        _bucket = BucketOf(LayoutKind.V2);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Read_S3Logs_CountsAnsweredGetsOfThisBucketsManifests()
    {
        var import = await ImportAsync("acme", "", S3Log);
        Assert.Equal((8, 0, 3, 2), (import.Lines, import.Unknown, import.Pulls, import.References));
        Assert.Equal((At(9, 0, 0), At(11, 20, 30)), (import.First, import.Last));
        await AssertPullsAsync(At(11, 20, 30), "1.0");
        await AssertPullsAsync(At(10, 16, 0), "unknown", Named);
        await AssertPullsAsync(null, "2.0");
        await AssertPullsAsync(null, "3.0");
        await AssertPullsAsync(null, "4.0");
        Assert.Equal(At(9, 0, 0), (await PullHistory.ReadAsync(_bucket, DateTimeOffset.MinValue, Cancel)).Since);
    }

    [Fact]
    public async Task Read_CloudFrontLogs_GzipInAFolder_CountsGets()
    {
        Directory.CreateDirectory(_folder["logs/2026"]);
        await using (var gzip = new GZipStream(File.Create(_folder["logs/2026/E1.2026-11-27-10.gz"]), CompressionLevel.Fastest))
            await gzip.WriteAsync(Encoding.UTF8.GetBytes(CloudFrontLog), Cancel);
        await File.WriteAllTextAsync(_folder["logs/empty"], "", Cancel);
        var import = new PullImport(_bucket, "acme", "some/prefix/");
        await import.ReadAsync(_folder["logs"], Cancel);
        await import.WriteAsync(Cancel);
        Assert.Equal((6, 0, 2, 2), (import.Lines, import.Unknown, import.Pulls, import.References));
        await AssertPullsAsync(At(10, 15, 0), "1.0");
        await AssertPullsAsync(At(13, 0, 1), "unknown", Named);
    }

    [Fact]
    public async Task Write_TheSameLogsAgain_ChangesNothing_InWhateverOrder()
    {
        await ImportAsync("acme", "", S3Log);
        var before = await ObjectsAsync();
        Assert.Equal(3, before.Count);
        await ImportAsync("acme", "", S3Log);
        Assert.Equal(before, await ObjectsAsync());
        await ImportAsync("acme", "", string.Join('\n', S3Log.Split('\n').Reverse()));
        Assert.Equal(before, await ObjectsAsync());
        // A part of them may add an older record; the answers stay.
        await ImportAsync("acme", "", S3Log.Split('\n')[0]);
        await AssertPullsAsync(At(11, 20, 30), "1.0");
    }

    [Fact]
    public async Task Write_PartsOfALog_AreTheWholeInTheEnd()
    {
        foreach (var line in S3Log.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            await ImportAsync("acme", "", line);
        await AssertPullsAsync(At(11, 20, 30), "1.0");
        await AssertPullsAsync(At(10, 16, 0), "unknown", Named);
    }

    [Fact]
    public async Task Read_APartOfABucket_StripsItsPrefix()
    {
        var import = await ImportAsync("acme", "images/", S3Line("27/Nov/2026:10:15:00 +0000", "acme", "REST.GET.OBJECT", "images/v2/app/manifests/1", 200) + "\n"
            + S3Line("27/Nov/2026:10:15:00 +0000", "acme", "REST.GET.OBJECT", "v2/app/manifests/2", 200));
        Assert.Equal((1, 1), (import.Pulls, import.References));
    }

    [Fact]
    public async Task Read_APool_KnowsItsTags()
    {
        var import = new PullImport(BucketOf(LayoutKind.Pool), "acme", "");
        await import.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(S3Line("27/Nov/2026:10:15:00 +0000", "acme", "REST.GET.OBJECT", "manifests/team/app/1.0/manifest.json", 200))), "log", Cancel);
        Assert.Equal(1, import.Pulls);
    }

    [Fact]
    public async Task Read_SomethingElse_IsAnError_AndOddLinesAreCounted()
    {
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => ImportAsync("acme", "", "hello\nworld\n"))).Failure);
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => ImportAsync("acme", "", $"\x1f\x8b{new string('x', 100)}"))).Failure);
        var import = await ImportAsync("acme", "", $"{S3Log}broken\n{new string('x', 3 << 20)}\n");
        Assert.Equal((10, 2, 3), (import.Lines, import.Unknown, import.Pulls));
    }

    private static DateTimeOffset At(int hour, int minute, int second) => new(2026, 11, 27, hour, minute, second, TimeSpan.Zero);

    private static string S3Line(string time, string bucket, string operation, string key, int status) =>
        $"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be {bucket} [{time}] 192.0.2.3 - 3E57427F3EXAMPLE {operation} {key} \"GET /{key} HTTP/1.1\" {status} - 113 - 7 - \"-\" \"docker/26 (\"odd\")\" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 - - acme.s3.amazonaws.com TLSV1.3 - -";

    private async Task<PullImport> ImportAsync(string name, string prefix, string log)
    {
        var import = new PullImport(_bucket, name, prefix);
        await import.ReadAsync(new MemoryStream(Encoding.Latin1.GetBytes(log)), "log", Cancel);
        await import.WriteAsync(Cancel);
        return import;
    }

    private async Task AssertPullsAsync(DateTimeOffset? expected, string tag, Digest? digest = null) =>
        Assert.Equal(expected, (await PullHistory.ReadAsync(_bucket, DateTimeOffset.MinValue, Cancel)).LastPull(RepositoryName.Parse("team/app"), tag, digest ?? Digest.Of([2])));

    private async Task<List<ObjectEntry>> ObjectsAsync() => await _bucket.Store.ListObjectsAsync(new ListQuery("pail/pulls/"), Cancel).ToListAsync(Cancel);

    private Bucket BucketOf(LayoutKind layout) => new(new FolderStore(_folder["bucket"], new RequestMeter()), new TransferEngine(new()), new BucketSettings(layout, Public: false));
}
