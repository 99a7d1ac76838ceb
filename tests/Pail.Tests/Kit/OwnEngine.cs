using Pail.Tests.Images;

namespace Pail.Tests.Kit;

/// <summary>A Docker 26 with the containerd image store that is the test's alone: it has built and pulled nothing yet.</summary>
internal sealed class OwnEngine : IAsyncDisposable
{
    private readonly TestFolder _folder = new();

    private OwnEngine() => Engine = new("own", Machine.Debian13, $"unix://{_folder["d"]}/docker.sock", KeepsImages: true);

    public Engine Engine { get; }

    /// <summary>Starts one.</summary>
    public static async Task<OwnEngine> StartAsync()
    {
        var own = new OwnEngine();
        (await own.ScriptAsync("start")).Succeeded();
        return own;
    }

    public async ValueTask DisposeAsync()
    {
        (await ScriptAsync("wipe")).Succeeded();
        _folder.Dispose();
    }

    private Task<Finished> ScriptAsync(string verb) => Machine.Debian13.RunAsync(Path.Combine(TestEnvironment.Sources, "eng", "dockerd"), [verb], new Dictionary<string, string?>
    {
        ["DOCKERD_DIR"] = _folder["d"],
        ["DOCKERD_STORE"] = "containerd",
    });
}
