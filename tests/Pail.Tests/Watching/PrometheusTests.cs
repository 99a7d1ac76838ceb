using System.Text.Json;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Watching;

/// <summary>Debian's Prometheus scrapes a server over RGW; promtool accepts what it shows and what deploy/ holds; S3 requests and their price are those that were made.</summary>
[NeedsServers]
[Trait("Also", "Native")]
public sealed class PrometheusTests : IDisposable
{
    private static readonly string Deploy = Path.Combine(TestEnvironment.Sources, "deploy/prometheus");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-prometheus-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task S3Requests_AndTheirPrice_AreThoseThatWereMade()
    {
        await using var bucket = await TestBucket.TakeAsync();
        await using var proxy = S3Proxy.Start();
        var cli = new PailCli(proxy.Endpoint);
        await cli.DoAsync("init", bucket.Address);
        await using var server = await PailServer.StartAsync(cli, [bucket.Address, "--no-redirect", "--price-a", "5", "--price-b", "0.4"]);
        // Those before it could listen, to find out what the bucket is.
        proxy.Take();
        await WorkAsync(server);
        // One that fails, and is tried again.
        proxy.On(request => request.Method == "GET" && request.Key.EndsWith("/manifests/none", StringComparison.Ordinal), new Fault.Answer(503, "SlowDown"), times: 1);
        (await server.GetAsync("/v2/app/manifests/none")).Is(404);
        // What is shown is as old as a moment, and the server may just be looking at its settings.
        var (scrape, made, shown) = (new Scrape([]), "", "");
        await Eventually.TrueAsync(async () =>
        {
            made = string.Join(' ', proxy.Requests.GroupBy(request => request.Operation).Select(group => $"{group.Key}={group.Count()}").Order(StringComparer.Ordinal));
            scrape = Scrape.Parse((await server.GetAsync("/metrics")).Is(200).Text);
            shown = string.Join(' ', scrape.Samples.Where(sample => sample.Name == "pail_s3_requests_total").GroupBy(sample => sample["operation"]).Select(group => $"{group.Key}={group.Sum(sample => sample.Value)}").Order(StringComparer.Ordinal));
            return made == shown;
        }, () => $"made {made}, shown {shown}");
        Assert.Equal(1, scrape.Sum("pail_s3_requests_total", ("operation", "GetObject"), ("outcome", "throttled")));
        Assert.Equal(1, scrape.Sum("pail_retries_total"));
        Assert.True(scrape.Sum("pail_s3_requests_total", ("outcome", "missing")) >= 1);
        var (a, b) = (scrape.Sum("pail_s3_requests_total", ("class", "A")), scrape.Sum("pail_s3_requests_total", ("class", "B")));
        Assert.True(a >= 4 && b >= 2);
        Assert.Equal((a * 0.005) + (b * 0.0004), scrape.Sum("pail_s3_dollars_total"), 9);
        Assert.Equal(a + b, scrape.Sum("pail_s3_request_duration_seconds_count") - scrape.Sum("pail_s3_requests_total", ("class", "free")));
        Assert.True(scrape.Sum("pail_http_bytes_total", ("direction", "in")) > 100_000);
        Assert.True(scrape.Sum("pail_http_bytes_total", ("direction", "out")) > 100_000);
    }

    [Fact]
    public async Task Prometheus_ScrapesAServer_AndTakesTheRules()
    {
        await using var bucket = await TestBucket.TakeAsync();
        await PailCli.Direct.DoAsync("init", bucket.Address);
        var (metrics, web) = (PailServer.FreePort(), PailServer.FreePort());
        await using var server = await PailServer.StartAsync(PailCli.Direct, [bucket.Address, "--metrics", $"127.0.0.1:{metrics}"]);
        await WorkAsync(server);
        var text = (await server.GetAsync($"http://127.0.0.1:{metrics}/metrics")).Is(200).Text;
        var check = await Child.RunAsync("promtool", ["check", "metrics"], input: text);
        Assert.Equal("", check.Succeeded().Output + check.Error);

        File.Copy(Path.Combine(Deploy, "alerts.yml"), Path.Combine(_folder.FullName, "alerts.yml"));
        var file = Path.Combine(_folder.FullName, "prometheus.yml");
        var configuration = await File.ReadAllTextAsync(Path.Combine(Deploy, "prometheus.yml"), TestContext.Current.CancellationToken);
        Assert.Contains("127.0.0.1:9464", configuration, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, configuration.Replace("127.0.0.1:9464", $"127.0.0.1:{metrics}", StringComparison.Ordinal).Replace("15s", "1s", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        (await Child.RunAsync("promtool", ["check", "config", file])).Succeeded();
        await using var prometheus = Child.Start("prometheus", [$"--config.file={file}", $"--storage.tsdb.path={Path.Combine(_folder.FullName, "data")}", $"--web.listen-address=127.0.0.1:{web}"]);

        await Eventually.TrueAsync(async () => prometheus.HasExited ? throw new InvalidOperationException((await prometheus.EndAsync()).Error) : await ValueAsync("up{job=\"pail\"}") == 1, () => "Prometheus does not scrape the server");
        Assert.True(await ValueAsync("sum(pail_s3_requests_total{operation=\"PutObject\",outcome=\"ok\"})") >= 3);
        Assert.Equal(1, await ValueAsync("count(pail_build_info{version!=\"\"})"));
        Assert.True(await ValueAsync("sum(http_server_request_duration_seconds_count{http_route=\"/v2/{name}/manifests/{reference}\",http_request_method=\"PUT\",http_response_status_code=\"201\"})") == 1);
        List<string?> health = [];
        await Eventually.TrueAsync(async () =>
        {
            var groups = (await server.GetAsync($"http://127.0.0.1:{web}/api/v1/rules")).Is(200).Json.GetProperty("data").GetProperty("groups");
            health = [.. groups.EnumerateArray().SelectMany(group => group.GetProperty("rules").EnumerateArray()).Select(rule => rule.GetProperty("health").GetString())];
            return health.Count > 0 && !health.Contains("unknown");
        }, () => $"rules are not evaluated: {string.Join(' ', health)}");
        Assert.All(health, one => Assert.Equal("ok", one));

        async Task<double?> ValueAsync(string query)
        {
            try
            {
                var result = (await server.GetAsync($"http://127.0.0.1:{web}/api/v1/query?query={Uri.EscapeDataString(query)}")).Json.GetProperty("data").GetProperty("result");
                return result.GetArrayLength() == 0 ? null : double.Parse(result[0].GetProperty("value")[1].GetString()!, System.Globalization.CultureInfo.InvariantCulture);
            }
            catch (Exception e) when (e is HttpRequestException or JsonException)
            {
                return null;
            }
        }
    }

    private async Task WorkAsync(PailServer server)
    {
        var layout = new TestLayout(Path.Combine(_folder.FullName, "image"));
        layout.Tag(layout.Image());
        await PailCli.Direct.DoAsync("push", layout.Address(), $"docker://{server.Host}/app:1");
        await PailCli.Direct.DoAsync("pull", $"docker://{server.Host}/app:1", $"oci:{Path.Combine(_folder.FullName, "pulled")}");
    }
}
