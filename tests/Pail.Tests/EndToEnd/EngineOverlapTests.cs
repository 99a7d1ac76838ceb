using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.EndToEnd;

/// <summary>Pushes of an engine that gives its image only so far: what came by then is sent, or has been stopped, in a real bucket.</summary>
[NeedsServers]
public sealed class EngineOverlapTests : IAsyncLifetime
{
    private const int Large = 21 << 20;

    private readonly FakeEngine _engine = new();
    private readonly S3Proxy _proxy = S3Proxy.Start();
    private readonly DockerTars _image = new(layers: 0);
    private TestBucket _bucket = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string[] Push => ["push", "docker-daemon:app:1", $"{_bucket.Address}/app:1"];

    private PailCli Pail => new(_proxy.Endpoint, _engine.Host);

    [Fact(Timeout = 120_000)]
    public async Task Push_OfTwoLayers_TheFirstIsThereBeforeTheSecondComes()
    {
        Hold(_proxy.SeenAsync(request => request.Operation == StoreOperation.CompleteMultipartUpload, Cancel));

        await Pail.DoAsync(Push);

        await Wholeness.AssertAsync(_bucket, "app");
        Assert.Equal(2, _proxy.Take().Count(request => request.Operation == StoreOperation.CompleteMultipartUpload));
    }

    [Theory(Timeout = 120_000)]
    [InlineData(true, 128 + 9)]
    [InlineData(false, 130)]
    public async Task Push_StoppedWhileItReadsAndSends_NothingWrong_SecondTryFinishes(bool kill, int exitCode)
    {
        Hold(new TaskCompletionSource().Task);
        await using (var child = Pail.Start(Push))
        {
            await _proxy.SeenAsync(request => request.Operation == StoreOperation.UploadPart, Cancel);
            if (kill)
                child.Kill();
            else
                child.Interrupt();
            (await child.EndAsync()).Ended(exitCode);
        }

        Assert.True(kill || (await _bucket.UploadsAsync("v2/app/")).Count == 0);
        Assert.DoesNotContain(await _bucket.KeysAsync("v2/app/"), key => key.Contains("/manifests/", StringComparison.Ordinal));
        await Wholeness.AssertAsync(_bucket, "app");
        _engine.Holds = null;
        await Pail.DoAsync(Push);
        await Wholeness.AssertAsync(_bucket, "app");
        Assert.Contains("v2/app/manifests/1", await _bucket.KeysAsync("v2/app/"));
    }

    public async ValueTask InitializeAsync()
    {
        _bucket = await TestBucket.TakeAsync();
        await PailCli.Direct.DoAsync("init", _bucket.Address);
        for (var seed = 1; seed <= 2; seed++)
            _image.Layers.Add(ImageBytes.Layer(new Random(seed), Large));
        _image.Config = ImageBytes.Config("amd64", _image.Layers.Select(layer => Digest.Of(layer)));
        _engine.Hold("app:1", _image);
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        await _proxy.DisposeAsync();
        await _bucket.DisposeAsync();
    }

    // Not all of the second layer comes before this.
    private void Hold(Task until) => _engine.Holds = (Large + Large / 2, until);
}
