using System.Text.Json;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Watching;

/// <summary>Traces of commands and of the server: where the time went, down to the S3 requests, and no secret.</summary>
[NeedsServers]
[Trait("Also", "Native")]
public sealed class TraceTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-trace-");

    public void Dispose() => _folder.Delete(recursive: true);

    private static PailCli Exporting(TestReceiver receiver) => new(TestEnvironment.S3)
    {
        Variables = new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Address.ToString(), ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf", ["OTEL_BSP_SCHEDULE_DELAY"] = "100", ["OTEL_METRICS_EXPORTER"] = "none",
        },
    };

    private static List<OtlpSpan> Spans(TestReceiver receiver) => [.. receiver.Taken.Where(one => one.Path == "/v1/traces").SelectMany(one => OtlpSpans.Read(one.Body))];

    [Fact]
    public async Task Push_ToAServer_IsOneTrace_WithTheServersS3RequestsBelow()
    {
        await using var bucket = await TestBucket.TakeAsync();
        await using var receiver = await TestReceiver.StartAsync();
        await PailCli.Direct.DoAsync("init", bucket.Address);
        var layout = new TestLayout(Path.Combine(_folder.FullName, "image"));
        var digest = layout.Tag(layout.Image(layers: 2)).Digest;
        await using (var server = await PailServer.StartAsync(Exporting(receiver), [bucket.Address]))
        {
            await Exporting(receiver).DoAsync("push", layout.Address(), $"docker://{server.Host}/team/app:1", "--trace", "otlp");
            await server.StopAsync();
        }
        var spans = Spans(receiver);
        var push = Assert.Single(spans, span => span.Name == "pail push");
        var ours = spans.Where(span => span.Trace == push.Trace).ToDictionary(span => span.Id);

        var put = Assert.Single(ours.Values, span => span.Name == "PUT /v2/{name}/manifests/{reference}");
        Assert.Equal("201", put.Attributes["http.response.status_code"]);
        Assert.Equal("/v2/team/app/manifests/1", put.Attributes["url.path"]);
        Assert.Equal("HTTP PUT", ours[put.Parent].Name);
        var written = ours.Values.Where(span => span.Name == "S3.PutObject" && IsBelow(span, put)).ToList();
        Assert.Equal([$"v2/team/app/manifests/{digest}", "v2/team/app/manifests/1"], written.Select(span => span.Attributes["aws.s3.key"]).OrderByDescending(key => key.Length));
        foreach (var span in written)
        {
            Assert.Equal(("aws-api", "S3", "PutObject", bucket.Name), (span.Attributes["rpc.system"], span.Attributes["rpc.service"], span.Attributes["rpc.method"], span.Attributes["aws.s3.bucket"]));
            Assert.StartsWith("tx", span.Attributes["aws.request_id"], StringComparison.Ordinal);
            Assert.Equal("200", span.Attributes["http.response.status_code"]);
        }
        // All of them hang together, up to the command.
        Assert.All(ours.Values, span => Assert.True(span == push || IsBelow(span, push), span.Name));
        Assert.Contains(ours.Values, span => span.Name == "copy blob");
        Assert.DoesNotContain(spans, span => span.Attributes.GetValueOrDefault("url.path") is "/healthz" or "/readyz");
        AssertNoSecrets(string.Join('\n', spans.SelectMany(span => span.Attributes.Values.Append(span.Name))));

        bool IsBelow(OtlpSpan span, OtlpSpan top) => ours.TryGetValue(span.Parent, out var parent) && (parent == top || IsBelow(parent, top));
    }

    [Fact]
    public async Task Trace_InAFile_ShowsS3RequestsBelowBlobs_InLanesThatNest()
    {
        await using var bucket = await TestBucket.TakeAsync();
        await PailCli.Direct.DoAsync("init", bucket.Address);
        var layout = new TestLayout(Path.Combine(_folder.FullName, "image"));
        layout.Tag(layout.ImageOf(100_000, 12_000_000));
        var file = Path.Combine(_folder.FullName, "trace.json");
        await PailCli.Direct.DoAsync("push", layout.Address(), $"{bucket.Address}/app:1", "--trace", file);
        var events = Events(file);
        var root = Assert.Single(events, one => one.Name == "pail push");
        foreach (var name in new[] { "S3.UploadPart", "S3.CompleteMultipartUpload", "S3.PutObject" })
            Assert.Contains(events, one => one.Name == name && HasAbove(one, "copy blob"));
        Assert.Contains(events, one => one.Name == "S3.PutObject" && HasAbove(one, "put manifest and name"));
        Assert.All(events, one => Assert.True(one == root || HasAbove(one, "pail push"), one.Name));
        AssertNest(events);
        AssertNoSecrets(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));

        await PailCli.Direct.DoAsync("pull", $"{bucket.Address}/app:1", $"oci:{Path.Combine(_folder.FullName, "pulled")}", "--trace", file);
        events = Events(file);
        Assert.Contains(events, one => one.Name == "S3.GetObject" && HasAbove(one, "copy blob"));
        AssertNest(events);

        bool HasAbove(TraceEvent one, string name) => events.Find(other => other.Span == one.Parent) is { } parent && (parent.Name == name || HasAbove(parent, name));
    }

    [Fact]
    public async Task Trace_ToAFileThatCantBeWritten_IsBadInput()
    {
        var ended = (await PailCli.Direct.RunAsync("push", "oci:none", "file:none//app:1", "--trace", _folder.FullName)).Ended(2);
        Assert.Contains("--trace", ended.Error, StringComparison.Ordinal);
    }

    // In a lane, spans follow one another or lie within one another.
    private static void AssertNest(List<TraceEvent> events)
    {
        foreach (var lane in events.GroupBy(one => one.Lane))
        {
            var open = new Stack<TraceEvent>();
            foreach (var one in lane.OrderBy(one => one.Start).ThenByDescending(one => one.End))
            {
                while (open.TryPeek(out var top) && top.End <= one.Start)
                    open.Pop();
                Assert.True(!open.TryPeek(out var over) || one.End <= over.End + 0.2, $"{one.Name} overlaps");
                open.Push(one);
            }
        }
    }

    private static void AssertNoSecrets(string text)
    {
        foreach (var secret in new[] { "X-Amz-", "Signature", "Authorization", TestEnvironment.Variable("AWS_SECRET_ACCESS_KEY"), TestEnvironment.Variable("AWS_ACCESS_KEY_ID"), "uploadId" })
            Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        Assert.DoesNotMatch("/uploads/[A-Za-z0-9]", text);
    }

    private static List<TraceEvent> Events(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(file));
        Assert.Equal(0, json.RootElement.GetProperty("otherData").GetProperty("spansNotKept").GetInt64());
        return [.. json.RootElement.GetProperty("traceEvents").EnumerateArray().Select(one => new TraceEvent(
            one.GetProperty("name").GetString()!, one.GetProperty("tid").GetInt32(), one.GetProperty("ts").GetDouble(), one.GetProperty("ts").GetDouble() + one.GetProperty("dur").GetDouble(),
            one.GetProperty("args").GetProperty("span").GetString()!, one.GetProperty("args").GetProperty("parent").GetString()!))];
    }

    private sealed record TraceEvent(string Name, int Lane, double Start, double End, string Span, string Parent);
}
