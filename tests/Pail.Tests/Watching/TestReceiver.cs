using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Pail.Tests.Kit;

namespace Pail.Tests.Watching;

/// <summary>What a receiver was sent.</summary>
internal sealed record Received(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Body);
}

/// <summary>An HTTP server that takes what it is sent: for webhooks, and for exporters of traces. It can be told to answer otherwise, and be stopped and started again at its port.</summary>
internal sealed class TestReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<Received> _taken = new();
    private WebApplication? _server;
    private int _port;
    private long _asked;

    /// <summary>What to answer; 200 takes.</summary>
    public Func<HttpContext, int> Answer { get; set; } = _ => 200;

    /// <summary>What was taken, in order.</summary>
    public IReadOnlyList<Received> Taken => [.. _taken];

    /// <summary>How many requests came, taken or not.</summary>
    public long Asked => Interlocked.Read(ref _asked);

    public Uri Address => new($"http://127.0.0.1:{_port}/");

    public static async Task<TestReceiver> StartAsync()
    {
        var receiver = new TestReceiver();
        await receiver.BeginAsync();
        return receiver;
    }

    /// <summary>Starts it again.</summary>
    public async Task BeginAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, _port, listen => listen.Protocols = HttpProtocols.Http1));
        _server = builder.Build();
        _server.Run(TakeAsync);
        await _server.StartAsync(TestContext.Current.CancellationToken);
        _port = new Uri(_server.Urls.First()).Port;
    }

    /// <summary>Stops it: nothing listens.</summary>
    public async Task EndAsync()
    {
        if (_server is null)
            return;
        await _server.StopAsync(CancellationToken.None);
        await _server.DisposeAsync();
        _server = null;
    }

    /// <summary>Waits until so many were taken that something is true of.</summary>
    public async Task<IReadOnlyList<Received>> TookAsync(int count, Func<Received, bool>? which = null)
    {
        List<Received> found = [];
        await Eventually.TrueAsync(() => (found = [.. _taken.Where(which ?? (_ => true))]).Count >= count, () => $"{found.Count} of {count} came, and {Asked} requests");
        return found;
    }

    public async ValueTask DisposeAsync() => await EndAsync();

    private async Task TakeAsync(HttpContext context)
    {
        Interlocked.Increment(ref _asked);
        var status = Answer(context);
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        if (status == 200)
            _taken.Enqueue(new(context.Request.Path, context.Request.Headers.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray()));
        context.Response.StatusCode = status;
    }
}
