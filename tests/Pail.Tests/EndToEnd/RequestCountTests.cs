using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.EndToEnd;

/// <summary>What a push costs, counted before the server. These numbers are promises.</summary>
[NeedsServers]
[Trait("Also", "Native")]
public sealed class RequestCountTests : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private readonly S3Proxy _proxy = S3Proxy.Start();
    private TestBucket _bucket = null!;

    public static TheoryData<string> Kinds { get; } = ["one", "twelve", "two", "artifact"];

    [Theory]
    [InlineData("--public")]
    [InlineData("--layout=v2")]
    [InlineData("--layout=pool")]
    public async Task Push_NewImageOfTwoBlobs_AtMost4AAnd4B(string kind)
    {
        await InitAsync(kind);
        var requests = await PushAsync(Layout("one"), "1");
        var counts = S3Counts.Of(requests);
        // In the pool every tag has a file oci-layout besides.
        Assert.True(counts.A <= (kind == "--layout=pool" ? 5 : 4) && counts.B <= 4, Told(requests));
        Assert.True(kind == "--public" ? counts is { ListsA: <= 3, ListsB: <= 3 } : counts is { ListsA: 0, ListsB: 0 }, Told(requests));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Push_UnchangedImage_NoAAndAtMost2B(string image)
    {
        await InitAsync("--public");
        var layout = Layout(image);
        await PushAsync(layout, "1");
        var requests = await PushAsync(layout, "1");
        Assert.True(requests.All(request => request.IsClassB) && requests.Count <= 2, Told(requests));
    }

    [Fact]
    public async Task Push_NewImageUnderAKnownTag_TouchesNoListOfNames()
    {
        await InitAsync("--public");
        await PushAsync(Layout("one"), "1");
        var requests = await PushAsync(Layout("one"), "1");
        Assert.DoesNotContain(requests, request => request.Key == "v2/_catalog" || (request.IsClassA && request.Key.EndsWith("/tags/list", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Count_AtTheProxy_IsWhatTheServerLogged()
    {
        await InitAsync("--public");
        var layout = Layout("two");
        var (counted, after) = ($"counted-{Guid.NewGuid():n}", $"after-{Guid.NewGuid():n}");
        var requests = await PushAsync(layout, "1", counted);
        // RGW writes its log a moment after it answers, and in order: what comes later marks the end.
        await PushAsync(layout, "1", after);
        while (await LoggedAsync(after) == 0)
            await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(requests.Count(request => request.Key.Contains(counted, StringComparison.Ordinal)), await LoggedAsync(counted));
    }

    public async ValueTask InitializeAsync() => _bucket = await TestBucket.TakeAsync();

    public async ValueTask DisposeAsync()
    {
        await _bucket.DisposeAsync();
        await _proxy.DisposeAsync();
        _folder.Dispose();
    }

    private static string Told(IReadOnlyList<S3Request> requests) => string.Join('\n', requests);

    private Task<Finished> InitAsync(string option) => new PailCli(_proxy.Endpoint).DoAsync("init", _bucket.Address, option);

    private async Task<IReadOnlyList<S3Request>> PushAsync(TestLayout layout, string tag, string repository = "app")
    {
        _proxy.Take();
        await new PailCli(_proxy.Endpoint).DoAsync("push", layout.Address(), $"{_bucket.Address}/{repository}:{tag}");
        return _proxy.Take();
    }

    private static async Task<int> LoggedAsync(string repository)
    {
        await using var file = new FileStream(TestEnvironment.S3Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        var lines = (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).Split('\n');
        return lines.Count(line => line.Contains("beast: ", StringComparison.Ordinal) && line.Contains(repository, StringComparison.Ordinal));
    }

    private TestLayout Layout(string kind)
    {
        var layout = new TestLayout(_folder[Guid.NewGuid().ToString("n")]);
        layout.Tag(kind switch
        {
            "one" => layout.Image(),
            "twelve" => layout.Image(layers: 12),
            "two" => layout.TwoPlatforms(),
            "artifact" => layout.Artifact(),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        });
        return layout;
    }
}
