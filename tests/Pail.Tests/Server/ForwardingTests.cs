using System.Net;
using System.Text;
using System.Text.Json;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Server;

/// <summary>What a server believes of proxies, seen in the addresses it gives and in its log.</summary>
public sealed class ForwardingTests() : ServerTests(new FolderBucket())
{
    private static readonly IPNetwork[] Loopback = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("10.0.0.0/24")];

    // Headers are written "Name: value | Name: value".
    private static (string, string)[] Headers(string text) =>
        [.. text.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(header => (header[..header.IndexOf(':')], header[(header.IndexOf(':') + 1)..].Trim()))];

    private static async Task<string> OriginAsync(TestServer server, string headers)
    {
        var location = (await server.SendAsync(HttpMethod.Post, $"/v2/{App}/blobs/uploads/", [], Headers(headers))).Is(202)["Location"]!;
        return location[..location.IndexOf("/v2/", StringComparison.Ordinal)];
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("X-Forwarded-For: 1.2.3.4", "")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: r.example", "https://r.example")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: r.example:8443", "https://r.example:8443")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: [2001:db8::1]:8443", "https://[2001:db8::1]:8443")]
    [InlineData("X-Forwarded-Proto: https | Host: own:5000", "https://own:5000")]
    [InlineData("X-Forwarded-Host: r.example", "http://r.example")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: r.example:8443, inner", "https://r.example:8443")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: evil.example/<x> | Host: own", "https://own")]
    [InlineData("X-Forwarded-Proto: gopher | X-Forwarded-Host: r.example", "")]
    [InlineData("X-Original-Host: evil.example | X-Original-Proto: https", "")]
    // The port of the proxy, where the host does not name one: nginx's $host, AWS load balancers.
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: r.example | X-Forwarded-Port: 8443", "https://r.example:8443")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: r.example | X-Forwarded-Port: 443", "https://r.example")]
    [InlineData("X-Forwarded-Proto: http | X-Forwarded-Host: r.example | X-Forwarded-Port: 80", "http://r.example")]
    [InlineData("X-Forwarded-Proto: http | X-Forwarded-Host: r.example | X-Forwarded-Port: 443", "http://r.example:443")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: r.example:9443 | X-Forwarded-Port: 8443", "https://r.example:9443")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Port: 8443 | Host: r.example", "https://r.example:8443")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: [2001:db8::1] | X-Forwarded-Port: 8443", "https://[2001:db8::1]:8443")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: r.example | X-Forwarded-Port: 99999", "https://r.example")]
    [InlineData("X-Forwarded-Proto: https | X-Forwarded-Host: r.example | X-Forwarded-Port: junk", "https://r.example")]
    // RFC 7239.
    [InlineData("Forwarded: for=192.0.2.60;proto=https;host=r.example", "https://r.example")]
    [InlineData("Forwarded: for=192.0.2.60; Proto=https; Host=\"r.example:8443\"", "https://r.example:8443")]
    [InlineData("Forwarded: host=\"[2001:db8::1]:8443\";proto=https;by=_proxy", "https://[2001:db8::1]:8443")]
    [InlineData("Forwarded: proto=https;host=\"r.example", "")]
    [InlineData("Forwarded: junk", "")]
    [InlineData("Forwarded: proto=http;host=evil.example | X-Forwarded-Proto: https | X-Forwarded-Host: r.example", "https://r.example")]
    public async Task Location_BehindATrustedProxy_IsAsTheClientAsks(string headers, string expected)
    {
        await using var server = await StartAsync(options => options with { TrustedProxies = Loopback });
        Assert.Equal(expected, await OriginAsync(server, headers));
        Assert.Equal("", await OriginAsync(Server, headers));
    }

    [Fact]
    public async Task Link_BehindATrustedProxy_IsAsTheClientAsks()
    {
        await Server.PushAsync(App, "1");
        await Server.PushAsync(App, "2");
        await using var server = await StartAsync(options => options with { TrustedProxies = Loopback });
        var link = (await server.GetAsync($"/v2/{App}/tags/list?n=1", Headers("X-Forwarded-Proto: https | X-Forwarded-Host: r.example | X-Forwarded-Port: 8443"))).Is(200)["Link"];
        Assert.StartsWith($"<https://r.example:8443/v2/{App}/tags/list?", link, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("X-Forwarded-For: 1.2.3.4", "1.2.3.4")]
    [InlineData("X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4")]
    [InlineData("X-Forwarded-For: 1.2.3.4:5678", "1.2.3.4")]
    [InlineData("X-Forwarded-For: junk", "127.0.0.1")]
    [InlineData("Forwarded: for=1.2.3.4", "1.2.3.4")]
    [InlineData("Forwarded: for=\"[2001:db8::7]:4711\"", "2001:db8::7")]
    [InlineData("", "127.0.0.1")]
    public async Task Log_BehindATrustedProxy_HasTheFirstThatIsNotTrusted(string headers, string expected)
    {
        foreach (var trusted in new[] { true, false })
        {
            using var output = new MemoryStream();
            await using (var server = await StartAsync(options => options with { TrustedProxies = trusted ? Loopback : [], Log = output }))
                await server.GetAsync("/v2/", Headers(headers));
            var line = Encoding.UTF8.GetString(output.ToArray()).Split('\n').First(text => text.Contains("\"request\"", StringComparison.Ordinal));
            Assert.Equal(trusted ? expected : "127.0.0.1", JsonDocument.Parse(line).RootElement.GetProperty("client").GetString());
        }
    }

    // A real nginx, configured by what the documentation says but for its own port, certificate and where the server is.
    [Fact]
    [NeedsServers]
    public async Task Nginx_AsDocumented_KeepsHostAndPort()
    {
        await using var server = await StartAsync(options => options with { TrustedProxies = Loopback });
        var docs = await File.ReadAllTextAsync(Path.Combine(TestEnvironment.Sources, "docs", "server.md"), TestContext.Current.CancellationToken);
        var begin = docs.IndexOf("```nginx\n", StringComparison.Ordinal) + "```nginx\n".Length;
        var port = FreePort.Take();
        var block = docs[begin..docs.IndexOf("```", begin, StringComparison.Ordinal)]
            .Replace("listen 443 ssl;", $"listen 127.0.0.1:{port};", StringComparison.Ordinal)
            .Replace("proxy_pass http://127.0.0.1:5000;", $"proxy_pass http://127.0.0.1:{server.Address.Port};", StringComparison.Ordinal);
        var folder = Directory.CreateTempSubdirectory("pail-nginx-");
        try
        {
            var paths = string.Concat(((string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]).Select(kind => $"{kind}_temp_path {folder.FullName}/{kind};"));
            await File.WriteAllTextAsync($"{folder.FullName}/conf", $"daemon off; master_process off; pid {folder.FullName}/pid; events {{}}\nhttp {{ access_log off; {paths}\n{block}}}\n", TestContext.Current.CancellationToken);
            await using var nginx = Child.Start("nginx", ["-c", $"{folder.FullName}/conf", "-e", $"{folder.FullName}/log"]);
            using var http = new HttpClient();
            HttpResponseMessage? answer = null;
            await Eventually.TrueAsync(async () =>
            {
                try
                {
                    answer = await http.PostAsync(new Uri($"http://127.0.0.1:{port}/v2/{App}/blobs/uploads/"), null, TestContext.Current.CancellationToken);
                }
                catch (HttpRequestException)
                {
                    // It does not listen yet.
                }
                return answer is not null;
            });

            using (answer)
                Assert.StartsWith($"http://127.0.0.1:{port}/v2/{App}/blobs/uploads/", answer!.Headers.Location!.OriginalString, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
