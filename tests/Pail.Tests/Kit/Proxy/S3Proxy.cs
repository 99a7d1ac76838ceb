using System.Net;
using System.Net.Sockets;

namespace Pail.Tests.Kit.Proxy;

/// <summary>
/// A proxy on loopback in front of an S3 server. It knows every request that reached it, before its answer leaves, so
/// counts are exact; and it can harm chosen ones. Hosts and signatures pass through unchanged.
/// </summary>
internal sealed class S3Proxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly List<S3Request> _requests = [];
    private readonly List<Rule> _rules = [];
    private readonly HashSet<Task> _exchanges = [];
    private readonly Task _accepting;

    private S3Proxy(Uri upstream)
    {
        Upstream = new IPEndPoint(IPAddress.Parse(upstream.Host), upstream.Port);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect.</summary>
    public Uri Endpoint => new($"http://{_listener.LocalEndPoint}");

    /// <summary>The server behind.</summary>
    public IPEndPoint Upstream { get; }

    /// <summary>The requests so far, in the order they came.</summary>
    public IReadOnlyList<S3Request> Requests
    {
        get
        {
            lock (_lock)
                return [.. _requests];
        }
    }

    /// <summary>Starts one in front of RGW.</summary>
    public static S3Proxy Start() => new(TestEnvironment.S3);

    /// <summary>From here on, harms requests that match: first lets <paramref name="skip"/> of them pass, then meets <paramref name="times"/> with the fault.</summary>
    public void On(Func<S3Request, bool> match, Fault fault, int times = int.MaxValue, int skip = 0)
    {
        lock (_lock)
            _rules.Add(new Rule(match, fault, times, skip));
    }

    /// <summary>Harms no request any more.</summary>
    public void Heal()
    {
        lock (_lock)
            _rules.Clear();
    }

    /// <summary>The requests so far, which are forgotten.</summary>
    public IReadOnlyList<S3Request> Take()
    {
        lock (_lock)
        {
            S3Request[] taken = [.. _requests];
            _requests.Clear();
            return taken;
        }
    }

    /// <summary>Waits until a request has come that matches.</summary>
    public async Task SeenAsync(Func<S3Request, bool> match, CancellationToken cancel)
    {
        while (!Requests.Any(match))
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancel);
    }

    /// <summary>Notes a request, and says what is to happen to it.</summary>
    public Fault? Note(S3Request request)
    {
        lock (_lock)
        {
            _requests.Add(request);
            return _rules.Select(rule => rule.Meet(request)).FirstOrDefault(fault => fault is not null);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        Task[] left;
        lock (_lock)
            left = [.. _exchanges];
        await Task.WhenAll(left);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync(_end.Token);
                var exchange = ServeAsync(client);
                lock (_lock)
                    _exchanges.Add(exchange);
                _ = exchange.ContinueWith(Forget, TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The proxy ends.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        await using var connection = new S3Connection(this, client);
        await connection.RunAsync(_end.Token);
    }

    private void Forget(Task exchange)
    {
        lock (_lock)
            _exchanges.Remove(exchange);
    }

    private sealed class Rule(Func<S3Request, bool> match, Fault fault, int times, int skip)
    {
        private int _met;

        public Fault? Meet(S3Request request) => match(request) && _met++ is var before && before >= skip && before - skip < times ? fault : null;
    }
}
