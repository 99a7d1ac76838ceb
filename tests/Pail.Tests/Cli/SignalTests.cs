using System.Net;
using System.Net.Sockets;
using Pail.Tests.Kit;

namespace Pail.Tests.Cli;

/// <summary>The program itself, waiting for a store that never answers.</summary>
[NeedsServers]
[Trait("Also", "Native")]
public sealed class SignalTests
{
    [Theory]
    [InlineData(2, 130)]
    [InlineData(15, 143)]
    [InlineData(1, 129)]
    public async Task Signal_WhileItWaits_EndsItWithTheShellsCode(int signal, int code)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var child = PailChild.Start(
            ["ls", "s3://acme", "--endpoint-url", $"http://{silent.LocalEndpoint}"],
            ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "us-east-1"));
        using var asked = await silent.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        child.Send(signal);
        var ended = (await child.EndAsync()).Ended(code);
        Assert.Equal("pail: interrupted.", ended.Error.Trim());
        Assert.Empty(ended.Output);
    }
}
