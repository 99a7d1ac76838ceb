using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Pail.Server.Limits;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Access;

/// <summary>What one address and one user may use.</summary>
public sealed class LimitTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Rate_ComesBackEvenly_AndRefusedTakesNothing()
    {
        var time = new FakeTimeProvider();
        var rate = new Rate(60, time);
        for (var i = 0; i < 60; i++)
            Assert.Equal(TimeSpan.Zero, rate.Take("a", 1, Limiter.Longest));
        for (var i = 1; i <= 10; i++)
            Assert.Equal(i, rate.Take("a", 1, Limiter.Longest).TotalSeconds, 3);
        for (var i = 0; i < 5; i++)
            Assert.Equal(11, rate.Take("a", 1, Limiter.Longest).TotalSeconds, 3);
        Assert.Equal(TimeSpan.Zero, rate.Take("b", 1, Limiter.Longest));
        time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(TimeSpan.Zero, rate.Take("a", 1, Limiter.Longest));
        rate.Use("b", 600);
        Assert.InRange(rate.Take("b", 0, Limiter.Longest).TotalMinutes, 8.5, 9.1);
        time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(TimeSpan.Zero, rate.Take("b", 60, Limiter.Longest));
        Assert.True(rate.Take("b", 60, Limiter.Longest) > Limiter.Longest);
    }

    [Fact]
    public async Task Slots_AreGivenBack_AndWaitedFor()
    {
        var time = new FakeTimeProvider();
        var slots = new Slots(2, time);
        Assert.True(await slots.EnterAsync("a", Limiter.Longest, Cancel));
        Assert.True(await slots.EnterAsync("a", Limiter.Longest, Cancel));
        Assert.True(await slots.EnterAsync("b", Limiter.Longest, Cancel));
        var third = slots.EnterAsync("a", Limiter.Longest, Cancel).AsTask();
        var fourth = slots.EnterAsync("a", Limiter.Longest, Cancel).AsTask();
        Assert.False(third.IsCompleted);
        slots.Leave("a");
        Assert.True(await Task.WhenAny(third, fourth).Unwrap());
        time.Advance(Limiter.Longest);
        Assert.Equal(1, (await Task.WhenAll(third, fourth)).Count(entered => entered));
        using var gone = new CancellationTokenSource();
        var fifth = slots.EnterAsync("a", Limiter.Longest, gone.Token).AsTask();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fifth);
        slots.Leave("a");
        slots.Leave("a");
        Assert.True(await slots.EnterAsync("a", TimeSpan.FromMinutes(1), Cancel));
    }

    [Theory]
    [InlineData("10.0.0.1", "::ffff:10.0.0.1", true)]
    [InlineData("2001:db8::1", "2001:db8::ffff:2", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    public void KeyOf_Addresses_OfOneCustomer_AreOne(string one, string other, bool same) => Assert.Equal(same, Limiter.KeyOf(IPAddress.Parse(one)) == Limiter.KeyOf(IPAddress.Parse(other)));

    [Fact]
    public async Task Requests_BeyondTheLimit_WaitOrAre429()
    {
        await using var bench = await StartAsync(change: options => options with { ByAddress = new() { Requests = 6 }, TrustedProxies = [System.Net.IPNetwork.Parse("127.0.0.0/8")] });
        Task<Answer> GetAsync(string address) => bench.Server.GetAsync("/v2/", ("X-Forwarded-For", address));
        for (var i = 0; i < 6; i++)
            (await GetAsync("10.0.0.1")).Is(401);
        // The seventh's turn is in ten seconds; the eighth's would be in twenty.
        var seventh = GetAsync("10.0.0.1");
        var eighth = GetAsync("10.0.0.1");
        var refused = (await await Task.WhenAny(seventh, eighth)).Is(429, "TOOMANYREQUESTS");
        Assert.Equal("20", refused["Retry-After"]);
        Assert.False(seventh.IsCompleted && eighth.IsCompleted);
        (await GetAsync("10.0.0.2")).Is(401);
        (await bench.Server.GetAsync("/healthz", ("X-Forwarded-For", "10.0.0.1"))).Is(200);
        bench.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal([401, 429], (await Task.WhenAll(seventh, eighth)).Select(answer => answer.Status).Order());
    }

    [Fact]
    public async Task Users_HaveTheirOwn_AtWhateverAddress()
    {
        await using var bench = await StartAsync(change: options => options with { ByUser = new() { Requests = 2 } });
        var token = Bearer(await bench.TokenAsync("alice", "repository:team-a/app:pull"));
        for (var i = 0; i < 2; i++)
            (await bench.Server.GetAsync("/v2/team-a/app/manifests/1", token)).Is(404);
        (await bench.Server.GetAsync("/v2/", Basic("alice"))).Is(429, "TOOMANYREQUESTS");
        (await bench.Server.GetAsync("/v2/", Basic("bob"))).Is(200);
        for (var i = 0; i < 5; i++)
            (await bench.Server.GetAsync("/v2/public/app/manifests/1")).Is(404);
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        (await bench.Server.GetAsync("/v2/", Basic("alice"))).Is(200);
    }

    [Fact]
    public async Task Bytes_BothWays_AreCounted_AlsoWithoutALength()
    {
        await using var bench = await StartAsync(change: options => options with { ByUser = new() { Bytes = 1 << 20 } });
        var digest = await bench.PutBlobAsync("team-a/app", new string('x', 1000), "alice");
        var location = (await bench.Server.SendAsync("POST", "/v2/team-a/app/blobs/uploads/", headers: Basic("alice"))).Is(202).Location;
        using var unmeasured = new StreamContent(new PipelessStream(new byte[3 << 20]));
        (await bench.Server.SendAsync("PATCH", location, unmeasured, headers: Basic("alice"))).Is(202);
        var refused = await Eventually429Async(bench, "alice");
        Assert.InRange(int.Parse(refused["Retry-After"]!, System.Globalization.CultureInfo.InvariantCulture), 115, 121);
        (await bench.Server.GetAsync($"/v2/team-a/app/blobs/{digest}", Basic("root"))).Is(200);
        bench.Time.Advance(TimeSpan.FromSeconds(121));
        (await bench.Server.GetAsync("/v2/", Basic("alice"))).Is(200);

        // Down as well.
        var large = await bench.PutBlobAsync("team-b/app", new string('y', 900_000));
        bench.Time.Advance(TimeSpan.FromMinutes(5));
        (await bench.Server.GetAsync($"/v2/team-b/app/blobs/{large}", Basic("bob"))).Is(200);
        (await bench.Server.GetAsync($"/v2/team-b/app/blobs/{large}", Basic("bob"))).Is(200);
        await Eventually429Async(bench, "bob");
    }

    [Fact]
    public async Task Pushes_AtOnce_BeyondTheLimit_WaitForAPlace()
    {
        await using var bench = await StartAsync(change: options => options with { ByAddress = new() { Pushes = 1 } });
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, bench.Server.Address.Port, Cancel);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /v2/team-a/app/blobs/uploads/?digest=sha256:{new string('0', 64)} HTTP/1.1\r\nHost: x\r\nAuthorization: {Basic("root")[0].Item2}\r\nContent-Length: 10\r\n\r\nabc"), Cancel);
        Answer? answer = null;
        // It has the place once it has come, and leaves it when it is gone.
        await Eventually.TrueAsync(async () => (answer = await PushAsync()).Status == 429, () => "everybody had a place");
        Assert.Equal("10", answer!.Is(429, "TOOMANYREQUESTS")["Retry-After"]);
        (await bench.Server.GetAsync("/v2/", Basic("root"))).Is(200);
        socket.Close();
        await Eventually.TrueAsync(async () => (await PushAsync()).Status == 202, () => "the place was not given back");

        async Task<Answer> PushAsync()
        {
            var pushed = bench.Server.SendAsync("POST", "/v2/team-a/app/blobs/uploads/", headers: Basic("root"));
            while (await Task.WhenAny(pushed, Task.Delay(100, Cancel)) != pushed)
                bench.Time.Advance(Limiter.Longest);
            return await pushed;
        }
    }

    [Fact]
    public async Task Headers_ThatCrawl_AreCutOff()
    {
        await using var bench = await StartAsync(change: options => options with { HeaderTime = TimeSpan.FromSeconds(1) });
        var sockets = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 50; i++)
            {
                sockets.Add(new TcpClient());
                await sockets[^1].ConnectAsync(IPAddress.Loopback, bench.Server.Address.Port, Cancel);
                await sockets[^1].GetStream().WriteAsync("GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow"u8.ToArray(), Cancel);
            }
            (await bench.Server.GetAsync("/v2/", Basic("alice"))).Is(200);
            foreach (var socket in sockets)
            {
                using var reader = new StreamReader(socket.GetStream(), leaveOpen: true);
                Assert.StartsWith("HTTP/1.1 408 ", await reader.ReadToEndAsync(Cancel), StringComparison.Ordinal);
            }
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    // What a request took is known when it has ended, which may be a little after its answer came.
    private static async Task<Answer> Eventually429Async(DoorBench bench, string user)
    {
        Answer? last = null;
        await Eventually.TrueAsync(async () => (last = await bench.Server.GetAsync("/v2/", Basic(user))).Status == 429, () => "never refused");
        return last!.Is(429, "TOOMANYREQUESTS");
    }

    private sealed class PipelessStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
