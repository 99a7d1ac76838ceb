using System.Net.Sockets;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Page;

/// <summary><c>pail ui</c>, as people start it.</summary>
[NeedsServers]
[Trait("Also", "Native")]
public sealed class UiCommandTests
{
    private static readonly PailCli Cli = new(new Uri("http://127.0.0.1:1"), docker: "unix:///nowhere");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ui_OfAFolder_ShowsIt_OnLoopbackAlone_UntilCtrlC()
    {
        using var folder = new TestFolder();
        var layout = new TestLayout(folder["layout"]);
        layout.Tag(layout.Image());
        Directory.CreateDirectory(folder["bucket"]);
        await Cli.DoAsync("push", layout.Address(), $"file:{folder["bucket"]}//team/app:1.0");
        var port = PailServer.FreePort();
        await using var child = Cli.Start("ui", $"file:{folder["bucket"]}", "--port", $"{port}", "--no-browser");
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}/"), Timeout = Eventually.Limit };
        await Eventually.TrueAsync(() => child.HasExited ? Task.FromResult(true) : AnswersAsync(http), () => "pail ui did not begin to answer");
        Assert.False(child.HasExited);
        Assert.Contains("team/</span>app", await http.GetStringAsync("/", Cancel), StringComparison.Ordinal);
        Assert.Contains("1.0", await http.GetStringAsync("/-/image/team/app:1.0", Cancel), StringComparison.Ordinal);
        // Nothing is changed through it, and other sites get nothing of it.
        using var put = await http.PutAsync("/v2/team/app/manifests/2.0", new StringContent("{}"), Cancel);
        Assert.Equal(System.Net.HttpStatusCode.MethodNotAllowed, put.StatusCode);
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = "evil.example" } };
        using var refused = await http.SendAsync(rebound, Cancel);
        Assert.Equal(System.Net.HttpStatusCode.MisdirectedRequest, refused.StatusCode);
        child.Interrupt();
        Assert.Contains($"http://127.0.0.1:{port}/ until Ctrl-C", (await child.EndAsync()).Succeeded().Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("file:/nowhere/at/all")]
    [InlineData("file:/tmp//team/app:1")]
    [InlineData("docker://example.com/app")]
    public async Task Ui_OfWhatIsNoBucket_SaysSo(string address)
    {
        var finished = await Cli.RunAsync("ui", address, "--no-browser");
        Assert.NotEqual(0, finished.ExitCode);
        Assert.NotEmpty(finished.Error);
    }

    private static async Task<bool> AnswersAsync(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync("/healthz", Cancel);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException or IOException)
        {
            return false;
        }
    }
}
