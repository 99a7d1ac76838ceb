using System.Net;
using System.Net.Sockets;

namespace Pail.Tests.Kit.Servers;

/// <summary><c>pail serve</c> as a child process, on a port of loopback.</summary>
internal sealed class PailServer : ServerHarness
{
    private readonly Child _child;

    private PailServer(Child child, int port)
    {
        _child = child;
        Addresses.Add(new Uri($"http://127.0.0.1:{port}/"));
    }

    /// <summary>A port nobody listens on.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Starts one and waits until it answers.</summary>
    /// <param name="cli">The program, and the S3 service it is to use.</param>
    /// <param name="arguments">The bucket, and options.</param>
    /// <param name="port">The port; 0 for any that is free.</param>
    public static async Task<PailServer> StartAsync(PailCli cli, IEnumerable<string> arguments, int port = 0)
    {
        port = port == 0 ? FreePort() : port;
        var server = new PailServer(cli.Start(["serve", .. arguments, "--listen", $"127.0.0.1:{port}"]), port);
        while (!await server.AnswersAsync())
        {
            if (server._child.HasExited)
                throw new InvalidOperationException((await server._child.EndAsync()).Error);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
        return server;
    }

    /// <summary>Ctrl-C, and waits for the end, which must be a good one.</summary>
    public async Task<Finished> StopAsync()
    {
        _child.Interrupt();
        return (await _child.EndAsync()).Succeeded();
    }

    /// <summary><c>kill -9</c>, and waits for the end.</summary>
    public async Task KillAsync()
    {
        _child.Kill();
        await _child.EndAsync();
    }

    protected override Task EndAsync() => _child.DisposeAsync().AsTask();

    private async Task<bool> AnswersAsync()
    {
        try
        {
            return (await GetAsync("/healthz")).Is(200) is not null;
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException or IOException)
        {
            return false;
        }
    }
}
