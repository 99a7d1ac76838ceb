using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.EndToEnd;

/// <summary>A bucket behind a proxy, and an index of one image, whose layer takes several parts, to push into it and pull from it.</summary>
internal sealed class CrashBench : IAsyncDisposable
{
    private readonly TestFolder _folder = new();

    private CrashBench(TestBucket bucket) => Bucket = bucket;

    public TestBucket Bucket { get; }

    public S3Proxy Proxy { get; } = S3Proxy.Start();

    public PailCli Pail => new(Proxy.Endpoint);

    /// <summary>What is pushed.</summary>
    public TestLayout Image { get; private set; } = null!;

    public Descriptor Root { get; private set; } = null!;

    /// <summary>The repository it is pushed to: another one each time.</summary>
    public string Repository { get; private set; } = "";

    public string Address => $"{Bucket.Address}/{Repository}:1";

    /// <summary>Where it is pulled to: another folder each time.</summary>
    public string Target { get; private set; } = "";

    public static async Task<CrashBench> StartAsync()
    {
        var bench = new CrashBench(await TestBucket.TakeAsync());
        await PailCli.Direct.DoAsync("init", bench.Bucket.Address, "--public");
        bench.Next();
        return bench;
    }

    /// <summary>Goes on with a new image, whose layer has so many bytes, and a new repository and folder.</summary>
    public void Next(long bytes = 18 << 20)
    {
        Repository = $"app{Guid.NewGuid():n}";
        if (Image is not null)
            Directory.Delete(Image.Folder, recursive: true);
        Image = new TestLayout(_folder[Repository]);
        Root = Image.Tag(Image.AddIndex((Image.Image(bytes: bytes), "amd64")).Descriptor);
        NextTarget();
    }

    /// <summary>Goes on with a new folder to pull to.</summary>
    public void NextTarget() => Target = _folder[Guid.NewGuid().ToString("n")];

    public string[] Push => ["push", "--all", Image.Address(), Address];

    public string[] Pull => ["pull", "--all", Address, $"oci:{Target}:1"];

    /// <summary>How many uploads were begun in the repository and neither completed nor aborted.</summary>
    public async Task<int> UploadsLeftAsync() => (await Bucket.UploadsAsync($"v2/{Repository}/")).Count;

    /// <summary>Nothing is wrong now; and a push, tried again, ends well and leaves all that was to be pushed.</summary>
    public async Task AssertPushRecoversAsync()
    {
        await Wholeness.AssertAsync(Bucket, Repository);
        Proxy.Heal();
        await Pail.DoAsync(Push);
        await Wholeness.AssertAsync(Bucket, Repository);
        Assert.Equal(await File.ReadAllBytesAsync(Image.PathOf(Root.Digest)), await Bucket.ReadAsync($"v2/{Repository}/manifests/1"));
    }

    /// <summary>Nothing is wrong now; and a pull, tried again, ends well and leaves all that was to be pulled.</summary>
    public async Task AssertPullRecoversAsync()
    {
        Wholeness.AssertLayout(Target);
        Proxy.Heal();
        await Pail.DoAsync(Pull);
        Wholeness.AssertLayout(Target);
        Assert.True(File.Exists(Path.Combine(Target, "blobs", "sha256", Root.Digest.Hex)));
    }

    public async ValueTask DisposeAsync()
    {
        await Proxy.DisposeAsync();
        await Bucket.DisposeAsync();
        _folder.Dispose();
    }
}
