using System.Net.Sockets;
using Amazon.S3.Model;
using Pail.Cli.Edge;
using Pail.Tests.EndToEnd;
using Pail.Tests.Kit;
using Pail.Tests.S3;

namespace Pail.Tests.Edge;

/// <summary>A bucket on RGW that anybody may read but not list, behind an edge that <c>pail edge</c> wrote, holding an image of each kind.</summary>
public abstract class EdgeRegistry(string kind, string layout) : BareRegistry
{
    // A pool lies below a prefix, which an edge has to add.
    private readonly string _prefix = layout == "pool" ? "images/eu west/" : "";
    private readonly string _bucket = S3Server.NewName();
    private readonly int _port = FreePort.Take();
    private Child? _edge;

    /// <summary>True for a pool.</summary>
    public bool IsPool => layout == "pool";

    /// <summary>True if the edge makes lists itself, and pages of them.</summary>
    public bool Pages => kind == "cloudflare";

    /// <inheritdoc/>
    public override string Host => $"127.0.0.1:{_port}";

    /// <inheritdoc/>
    public override string Address => _prefix.Length == 0 ? $"s3://{_bucket}" : $"s3://{_bucket}/{_prefix}/";

    /// <inheritdoc/>
    protected override string Prefix => _prefix.Length == 0 ? $"{Address}/" : Address;

    /// <inheritdoc/>
    protected override async Task StartAsync()
    {
        await PailCli.Direct.DoAsync(IsPool ? ["init", Address, "--layout", "pool"] : ["init", Address, "--public"]);
        using (var client = S3Server.Ceph.Client())
        {
            // Over RGW the Worker's binding is played by requests of anybody's, lists among them.
            var list = kind == "cloudflare" ? $$""",{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::{{_bucket}}"}""" : "";
            await client.PutBucketPolicyAsync(_bucket, $$"""{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{{_bucket}}/*"}{{list}}]}""");
            await client.PutObjectAsync(new PutObjectRequest { BucketName = _bucket, Key = $"{_prefix}{CloudFrontEdge.ErrorKey}", ContentType = "application/json", ContentBody = """{"errors":[{"code":"MANIFEST_UNKNOWN","message":"x"}]}""", UseChunkEncoding = false });
        }
        _edge = await RunAsync();
        using var http = new HttpClient();
        await Eventually.TrueAsync(async () =>
        {
            if (_edge.HasExited)
                throw new InvalidOperationException((await _edge.EndAsync()).Error);
            try
            {
                using var answer = await http.GetAsync(new Uri($"http://{Host}/v2/"));
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException e) when (e.InnerException is SocketException or IOException)
            {
                return false;
            }
        });
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_edge is not null)
            await _edge.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
        await base.DisposeAsync();
    }

    private async Task<Child> RunAsync()
    {
        var folder = Folder["edge"];
        Directory.CreateDirectory(folder);
        var bucket = $"{S3Server.Ceph.Endpoint.TrimEnd('/')}/{_bucket}";
        var path = _prefix.Length == 0 ? "" : "/images/eu%20west";
        switch (kind)
        {
            case "nginx":
                var paths = string.Concat(((string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]).Select(name => $"{name}_temp_path {folder}/{name};"));
                await PailCli.Direct.DoAsync("edge", "nginx", Address, "--out", folder, "--listen", Host);
                await File.WriteAllTextAsync($"{folder}/nginx.conf", $"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error; events {{}}\nhttp {{ access_log {folder}/requests; {paths}\ninclude {folder}/pail.conf; }}\n");
                return Child.Start("nginx", ["-c", $"{folder}/nginx.conf", "-e", $"{folder}/error"]);
            case "caddy":
                await PailCli.Direct.DoAsync("edge", "caddy", Address, "--out", folder, "--host", $"http://{Host}");
                await File.WriteAllTextAsync($"{folder}/main", $"{{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\tstorage file_system {folder}\n}}\nimport {folder}/Caddyfile\n");
                return Child.Start("caddy", ["run", "--adapter", "caddyfile", "--config", $"{folder}/main"], new Dictionary<string, string?> { ["HOME"] = folder });
            case "cloudfront":
                // A distribution is over a bucket of AWS; the function is the same for any.
                await PailCli.Direct.DoAsync("edge", "cloudfront", Address, "--out", folder, "--layout", layout, "--endpoint-url", "https://s3.eu-central-1.amazonaws.com");
                return Node($"{folder}/function.js", bucket, path);
            default:
                await PailCli.Direct.DoAsync("edge", "cloudflare", Address, "--out", folder);
                File.Move($"{folder}/worker.js", $"{folder}/worker.mjs");
                return Node($"{folder}/worker.mjs", bucket, path);
        }
    }

    private Child Node(string file, string bucket, string path) =>
        Child.Start("node", [Path.Combine(TestEnvironment.Sources, "tests", "Pail.Tests", "Edge", "edge.mjs"), kind, file, bucket, path, $"{_port}"]);
}

/// <summary>nginx, over a v2 bucket.</summary>
public sealed class NginxV2Edge() : EdgeRegistry("nginx", "v2");

/// <summary>nginx, over a pool.</summary>
public sealed class NginxPoolEdge() : EdgeRegistry("nginx", "pool");

/// <summary>Caddy, over a v2 bucket.</summary>
public sealed class CaddyV2Edge() : EdgeRegistry("caddy", "v2");

/// <summary>Caddy, over a pool.</summary>
public sealed class CaddyPoolEdge() : EdgeRegistry("caddy", "pool");

/// <summary>The function of CloudFront in Node, over a v2 bucket.</summary>
public sealed class CloudFrontV2Edge() : EdgeRegistry("cloudfront", "v2");

/// <summary>The function of CloudFront in Node, over a pool.</summary>
public sealed class CloudFrontPoolEdge() : EdgeRegistry("cloudfront", "pool");

/// <summary>The Worker in Node, over a v2 bucket.</summary>
public sealed class CloudflareV2Edge() : EdgeRegistry("cloudflare", "v2");

/// <summary>The Worker in Node, over a pool.</summary>
public sealed class CloudflarePoolEdge() : EdgeRegistry("cloudflare", "pool");
