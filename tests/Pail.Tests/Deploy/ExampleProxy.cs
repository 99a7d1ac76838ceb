using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Deploy;

/// <summary>The example of deploy/ for HAProxy or nginx, in front of two replicas. Only addresses and paths are other ones.</summary>
internal sealed class ExampleProxy : IAsyncDisposable
{
    private readonly TestFolder _folder;
    private readonly Child _child;

    private ExampleProxy(TestFolder folder, int port, Child child) => (_folder, Host, _child) = (folder, $"127.0.0.1:{port}", child);

    /// <summary>Host and port where it listens, with TLS and a certificate that nobody trusts.</summary>
    public string Host { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Starts one, and waits until it listens.</summary>
    /// <param name="kind"><c>haproxy</c> or <c>nginx</c>.</param>
    /// <param name="replicas">The ports of the two replicas.</param>
    public static async Task<ExampleProxy> StartAsync(string kind, params int[] replicas)
    {
        var folder = new TestFolder();
        using var certificate = new TestCertificates(folder).Issue();
        var (pem, key) = (certificate.ExportCertificatePem(), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(folder["registry.pem"], kind == "haproxy" ? $"{pem}\n{key}\n" : pem, Cancel);
        await File.WriteAllTextAsync(folder["registry.key"], key, Cancel);
        var port = FreePort.Take();
        var child = kind switch
        {
            "haproxy" => Child.Start("/usr/sbin/haproxy", ["-db", "-f", await WriteAsync("haproxy/haproxy.cfg", ("*:443", $"127.0.0.1:{port}"), ("/etc/haproxy/", $"{folder.Path}/"), ("/run/haproxy/", $"{folder.Path}/"))]),
            "nginx" => Child.Start("/usr/sbin/nginx", ["-e", folder["error.log"], "-c", await NginxAsync()]),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
        var proxy = new ExampleProxy(folder, port, child);
        await Eventually.TrueAsync(async () => child.HasExited ? throw new InvalidOperationException($"{kind} ended: {(await child.EndAsync()).Error}") : await ListensAsync(port), () => $"{kind} does not listen.");
        return proxy;

        async Task<string> NginxAsync()
        {
            var site = await WriteAsync("nginx/registry.conf", ("listen 443", $"listen 127.0.0.1:{port}"), ("/etc/nginx/", $"{folder.Path}/"));
            await File.WriteAllTextAsync(folder["nginx.conf"], $$"""
                daemon off;
                user root;
                pid {{folder["nginx.pid"]}};
                error_log {{folder["error.log"]}};
                events {}
                http {
                    access_log off;
                    client_body_temp_path {{folder["body"]}};
                    proxy_temp_path {{folder["proxy"]}};
                    fastcgi_temp_path {{folder["fastcgi"]}};
                    uwsgi_temp_path {{folder["uwsgi"]}};
                    scgi_temp_path {{folder["scgi"]}};
                    include {{site}};
                }
                """, Cancel);
            return folder["nginx.conf"];
        }

        async Task<string> WriteAsync(string example, params (string Old, string New)[] changes)
        {
            var text = await File.ReadAllTextAsync(Path.Combine(TestEnvironment.Sources, "deploy", example), Cancel);
            foreach (var (old, other) in changes.Append(("10.0.0.5:5000", $"127.0.0.1:{replicas[0]}")).Append(("10.0.0.6:5000", $"127.0.0.1:{replicas[1]}")))
            {
                Assert.Contains(old, text, StringComparison.Ordinal);
                text = text.Replace(old, other, StringComparison.Ordinal);
            }
            var path = folder[Path.GetFileName(example)];
            await File.WriteAllTextAsync(path, text, Cancel);
            return path;
        }
    }

    /// <summary>Sends a command to HAProxy's socket, and returns what it answers.</summary>
    public async Task<string> AskAsync(string command)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_folder["admin.sock"]), Cancel);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"{command}\n"), Cancel);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(Cancel);
    }

    /// <summary>A field of a replica in HAProxy's statistics, such as <c>scur</c> or <c>status</c>.</summary>
    public async Task<string> StateAsync(string server, string field)
    {
        var rows = (await AskAsync("show stat")).TrimStart('#', ' ').Split('\n').Select(line => line.Split(',')).ToList();
        return rows.Single(row => row.Length > 1 && row[0] == "pail" && row[1] == server)[Array.IndexOf(rows[0], field)];
    }

    public async ValueTask DisposeAsync()
    {
        await _child.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<bool> ListensAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, Cancel);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
