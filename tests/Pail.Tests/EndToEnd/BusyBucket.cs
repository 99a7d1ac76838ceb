using System.Collections.Concurrent;
using Amazon.S3;
using Amazon.S3.Model;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.EndToEnd;

/// <summary>
/// A bucket on RGW where everybody works at once: clients push the same few images to it and through two servers, retag, mount, attach, delete and pull,
/// two collectors take what is garbage, and one of all these is killed every few seconds.
/// </summary>
/// <param name="layout">How the bucket is laid out.</param>
/// <param name="untagged">Collections take what has no tag as well; else what was pushed by its digest alone must stay.</param>
/// <param name="versions">The bucket keeps older versions.</param>
internal sealed partial class BusyBucket(string layout, bool untagged, bool versions) : IAsyncDisposable
{
    private readonly TestFolder _folder = new();
    private readonly PailServer?[] _servers = new PailServer?[2];
    private readonly Dictionary<int, Child> _victims = [];
    private readonly List<TestLayout> _images = [];
    private readonly CancellationTokenSource _over = new();
    private int _collections;

    /// <summary>Its name, of which those of its repositories begin as well: engines of this machine have others' images too.</summary>
    public string Name { get; } = S3Server.NewName();

    /// <summary>Of each tag that was acknowledged, what it names.</summary>
    public ConcurrentDictionary<string, string> Tagged { get; } = new();

    /// <summary>What must be there by its digest.</summary>
    public ConcurrentDictionary<string, bool> Acknowledged { get; } = new();

    /// <summary>Its address.</summary>
    public string Address => $"s3://{Name}";

    /// <summary>How a collection that takes all it may is asked for.</summary>
    public string[] Greedy(string grace) => untagged
        ? ["gc", Address, "--grace", grace, "--history", "0s", "--untagged-after", "0s"]
        : ["gc", Address, "--grace", grace, "--history", "0s"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Makes it, its servers and images.</summary>
    public async Task OpenAsync()
    {
        await PailCli.Direct.DoAsync("init", Address, "--layout", layout);
        if (versions)
        {
            using var client = S3Server.Ceph.Client();
            await client.PutBucketVersioningAsync(new PutBucketVersioningRequest { BucketName = Name, VersioningConfig = new() { Status = VersionStatus.Enabled } }, Cancel);
        }
        await PailCli.Direct.DoAsync("gc", Address, "--alone", "--pace", "10s");
        await File.WriteAllTextAsync(_folder["secret"], "the same on both", Cancel);
        for (var server = 0; server < _servers.Length; server++)
            await StartAsync(server);
        // Layers of more than 64 KiB are looked for before they are sent. Each image has the layers of the one before.
        var image = new TestLayout(_folder["image-0"]);
        image.Tag(image.ImageOf(100_000, 200_000));
        _images.Add(image);
        for (var number = 1; number < 4; number++)
            _images.Add(_images[^1].Grown(_folder[$"image-{number}"], 100_000));
        // The last alone is an index.
        var index = new TestLayout(_folder["index"]);
        index.Tag(index.TwoPlatforms());
        _images.Add(index);
    }

    /// <summary>Lets all work until each pusher was acknowledged so often, so many collections have ended, and so much time has gone.</summary>
    public async Task RunAsync(int pushes, int collections, TimeSpan time)
    {
        var until = DateTimeOffset.UtcNow + time;
        var pushers = Pushers();
        Task[] working =
        [
            .. pushers.Select(pusher => UntilOverAsync(() => PushAsync(pusher))),
            UntilOverAsync(RemoveAsync),
            UntilOverAsync(DieAsync),
            UntilOverAsync(() => CollectAsync(0)),
            UntilOverAsync(() => CollectAsync(1)),
            UntilOverAsync(KillAsync),
        ];
        // However slow the machine is.
        while (!_over.IsCancellationRequested && (_collections < collections || pushers.Exists(pusher => pusher.Done < pushes) || DateTimeOffset.UtcNow < until))
            await Task.Delay(200, Cancel);
        await _over.CancelAsync();
        Kill(0);
        Kill(1);
        await Task.WhenAll(working);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            if (server is not null)
                await server.DisposeAsync();
        await new Kit.Clients.DockerCli(_folder, Engine.Docker).RemoveAllAsync($"*/{Name}/*");
        if (versions)
            await S3Server.Ceph.RemoveVersionsAsync(Name);
        await S3Server.Ceph.RemoveAsync(Name);
        _folder.Dispose();
        _over.Dispose();
    }

    private async Task StartAsync(int index) =>
        _servers[index] = await PailServer.StartAsync(PailCli.Direct, [Address, "--log", "off", "--secret-file", _folder["secret"]]);

    private async Task CollectAsync(int number)
    {
        var ended = await WaitAsync(number, Greedy("2s"));
        if (ended.ExitCode == 0)
            Interlocked.Increment(ref _collections);
        else
            Assert.True(ended.ExitCode is 137 or 6 or 7, $"{ended.ExitCode}: {ended.Error}");
    }

    // A push that is killed: nothing is known of its tag, which nobody else has.
    private async Task DieAsync()
    {
        await Task.Delay(Random.Shared.Next(2000), Cancel);
        await WaitAsync(2, ["push", "--quiet", Any().Address(), $"{Address}/{Name}/killed:{Random.Shared.Next(3)}"]);
    }

    private async Task KillAsync()
    {
        await Task.Delay(TimeSpan.FromSeconds(Random.Shared.Next(2, 12)), Cancel);
        var victim = Random.Shared.Next(6);
        if (victim > 1)
        {
            Kill(victim % 3);
            return;
        }
        var server = _servers[victim]!;
        await server.KillAsync();
        // New requests go to the other.
        _servers[victim] = null;
        await server.DisposeAsync();
        await StartAsync(victim);
    }

    private async Task<Finished> WaitAsync(int victim, string[] arguments)
    {
        await using var child = PailCli.Direct.Start(arguments);
        lock (_victims)
            _victims[victim] = child;
        var ended = await child.EndAsync();
        lock (_victims)
            _victims.Remove(victim);
        return ended;
    }

    private void Kill(int victim)
    {
        lock (_victims)
            if (_victims.TryGetValue(victim, out var child))
                child.Kill();
    }

    private async Task UntilOverAsync(Func<Task> work)
    {
        try
        {
            while (!_over.IsCancellationRequested)
                await work();
        }
        catch
        {
            await _over.CancelAsync();
            throw;
        }
    }
}
