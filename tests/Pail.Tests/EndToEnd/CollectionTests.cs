using System.Collections.Concurrent;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;
using Xunit.Sdk;

namespace Pail.Tests.EndToEnd;

/// <summary>
/// Two collectors that take everything untagged at once, while the same few images are pushed to the bucket and through two servers, tagged,
/// untagged and pushed again, and collectors and servers are killed: every tag that was acknowledged is whole at the end, and no garbage is left.
/// </summary>
[NeedsServers]
public sealed class CollectionTests : IAsyncLifetime
{
    private const int Images = 4;

    private static readonly string[] Greedy = ["--grace", "0s", "--untagged-after", "0s", "--history", "0s"];

    private readonly string _bucket = S3Server.NewName();
    private readonly TestFolder _folder = new();
    private readonly PailServer[] _servers = new PailServer[2];
    private readonly ConcurrentDictionary<string, string> _tags = new();
    private readonly Dictionary<int, Child> _collectors = [];
    private readonly List<(TestLayout Layout, string Digest)> _images = [];
    private int _collections;
    private int _pushes;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Bucket => $"s3://{_bucket}";

    [Theory]
    [InlineData("v2")]
    [InlineData("pool")]
    public Task CollectionsUnderPushes_LoseNothing_LeaveNothing(string layout) => RunAsync(layout, collections: 2, pushes: 8);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("v2")]
    [InlineData("pool")]
    public Task ManyCollectionsUnderPushes_LoseNothing_LeaveNothing(string layout) => RunAsync(layout, collections: 25, pushes: 200);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            if (server is not null)
                await server.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
        _folder.Dispose();
    }

    private async Task RunAsync(string layout, int collections, int pushes)
    {
        await PailCli.Direct.DoAsync("init", Bucket, "--layout", layout);
        await PailCli.Direct.DoAsync("gc", Bucket, "--alone", "--pace", "10s");
        await File.WriteAllTextAsync(_folder["secret"], "the same on both", Cancel);
        for (var index = 0; index < _servers.Length; index++)
            await StartAsync(index);
        for (var number = 0; number < Images; number++)
        {
            // Layers of more than 64 KiB are looked for before they are sent.
            var image = new TestLayout(_folder[$"image-{number}"]);
            var root = image.Tag(image.ImageOf(100_000 + number, 200_000));
            _images.Add((image, root.Digest.ToString()));
        }

        using var over = new CancellationTokenSource();
        Task[] working =
        [
            UntilOverAsync(over, () => PushAsync("bucket", (image, tag) => CopyAsync(image, $"{Bucket}/app:{tag}"))),
            UntilOverAsync(over, () => PushAsync("direct", (image, tag) => CopyAsync(image, $"docker://{_servers[0].Host}/app:{tag}"))),
            UntilOverAsync(over, () => PushAsync("skopeo", (image, tag) => new Skopeo(_folder).PushAsync(image, $"{_servers[1].Host}/app:{tag}"))),
            UntilOverAsync(over, UntagAsync),
            UntilOverAsync(over, () => CollectAsync(0)),
            UntilOverAsync(over, () => CollectAsync(1)),
            UntilOverAsync(over, KillAsync),
        ];
        // However slow the machine is.
        while ((_collections < collections || _pushes < pushes) && !over.IsCancellationRequested)
            await Task.Delay(200, Cancel);
        await over.CancelAsync();
        Kill(0);
        Kill(1);
        await Task.WhenAll(working);

        Assert.NotEmpty(_tags);
        foreach (var (tag, digest) in _tags)
        {
            Assert.Equal(digest, (await PailCli.Direct.DoAsync("digest", $"{Bucket}/app:{tag}")).Output.Trim());
            // Every byte is compared with its digest.
            await PailCli.Direct.DoAsync("pull", "--quiet", $"{Bucket}/app:{tag}", $"oci:{_folder[$"pulled-{tag}"]}:1");
        }
        // The first may have to end what a killed one began.
        for (var last = 0; last < 2; last++)
            await PailCli.Direct.DoAsync(["gc", Bucket, .. Greedy]);
        Assert.Contains("would free 0 B in 0 objects", (await PailCli.Direct.DoAsync(["gc", Bucket, "--dry-run", .. Greedy])).Output, StringComparison.Ordinal);
        foreach (var (tag, _) in _tags)
            await PailCli.Direct.DoAsync("pull", "--quiet", $"{Bucket}/app:{tag}", $"oci:{_folder[$"again-{tag}"]}:1");
    }

    private static async Task CopyAsync(TestLayout image, string destination) =>
        await PailCli.Direct.DoAsync("push", "--quiet", $"oci:{image.Folder}", destination);

    private async Task StartAsync(int index) =>
        _servers[index] = await PailServer.StartAsync(PailCli.Direct, [Bucket, "--log", "off", "--secret-file", _folder["secret"]]);

    private async Task PushAsync(string name, Func<TestLayout, string, Task> push)
    {
        var (image, digest) = _images[Random.Shared.Next(Images)];
        var tag = $"{name}-{Random.Shared.Next(3)}";
        try
        {
            await push(image, tag);
        }
        catch (XunitException)
        {
            // The server was killed, or a layer that was there was collected before the manifest came: the tag names what it named, or the new image.
            _tags.TryRemove(tag, out _);
            return;
        }
        _tags[tag] = digest;
        Interlocked.Increment(ref _pushes);
    }

    // Of one pusher's tags, whose next push of it comes later or has not begun.
    private async Task UntagAsync()
    {
        await Task.Delay(Random.Shared.Next(2000), Cancel);
        var tag = $"gone-{Random.Shared.Next(3)}";
        var (image, _) = _images[Random.Shared.Next(Images)];
        await CopyAsync(image, $"{Bucket}/app:{tag}");
        await PailCli.Direct.DoAsync("rm", "--quiet", $"{Bucket}/app:{tag}");
    }

    private async Task CollectAsync(int number)
    {
        await using var child = PailCli.Direct.Start(["gc", Bucket, .. Greedy]);
        lock (_collectors)
            _collectors[number] = child;
        var ended = await child.EndAsync();
        lock (_collectors)
            _collectors.Remove(number);
        if (ended.ExitCode == 0)
            Interlocked.Increment(ref _collections);
        else
            Assert.True(ended.ExitCode is 137 or 6 or 7, $"{ended.ExitCode}: {ended.Error}");
    }

    private async Task KillAsync()
    {
        await Task.Delay(TimeSpan.FromSeconds(Random.Shared.Next(5, 40)), Cancel);
        if (Random.Shared.Next(3) > 0)
        {
            Kill(Random.Shared.Next(2));
            return;
        }
        var index = Random.Shared.Next(_servers.Length);
        await _servers[index].KillAsync();
        await _servers[index].DisposeAsync();
        await StartAsync(index);
    }

    private void Kill(int collector)
    {
        lock (_collectors)
            if (_collectors.TryGetValue(collector, out var child))
                child.Kill();
    }

    private static async Task UntilOverAsync(CancellationTokenSource over, Func<Task> work)
    {
        try
        {
            while (!over.IsCancellationRequested)
                await work();
        }
        catch
        {
            await over.CancelAsync();
            throw;
        }
    }
}
