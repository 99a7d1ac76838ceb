using Pail.Tests.Images;

namespace Pail.Tests.Kit.Registries;

/// <summary>Debian's docker-registry (CNCF Distribution) on a folder, over TLS, with one user of an htpasswd file; or open to all, without TLS.</summary>
internal sealed class DebianRegistry : IAsyncDisposable
{
    public const string User = "whale";
    public const string Password = "s3cret: with a colon";

    private readonly TestFolder _folder = new();
    private readonly Child _child;

    private DebianRegistry(TestFolder folder, Child child, int port, string authorities) => (_folder, _child, Host, Authorities) = (folder, child, $"127.0.0.1:{port}", authorities);

    /// <summary>Host and port.</summary>
    public string Host { get; }

    /// <summary>The file of the authority that issued its certificate.</summary>
    public string Authorities { get; }

    /// <summary>Starts one.</summary>
    /// <param name="open">The folder of one without TLS and users; null for one with both, on a folder of its own.</param>
    /// <param name="strict">It lets nobody in without a client certificate of its authority.</param>
    /// <param name="readOnly">Nothing can be written.</param>
    public static async Task<DebianRegistry> StartAsync(string? open = null, bool strict = false, bool readOnly = false)
    {
        var folder = new TestFolder();
        var certificates = new TestCertificates(folder);
        var certificate = certificates.Write(certificates.Issue(), "server");
        await File.WriteAllTextAsync(folder["htpasswd"], (await Child.RunAsync("htpasswd", ["-Bbn", User, Password])).Succeeded().Output);
        await File.WriteAllTextAsync(folder["config.yml"], $"""
            version: 0.1
            log: {"{level: error}"}
            storage: {"{"}filesystem: {"{"}rootdirectory: {open ?? folder["data"]}{"}"}, delete: {"{"}enabled: true{"}"}, maintenance: {"{"}readonly: {"{"}enabled: {(readOnly ? "true" : "false")}{"}}}"}
            """);
        var port = FreePort.Take();
        var variables = new Dictionary<string, string?>
        {
            ["AWS_CA_BUNDLE"] = null, // it panics
            ["REGISTRY_HTTP_ADDR"] = $"127.0.0.1:{port}",
        };
        if (open is null)
        {
            variables["REGISTRY_HTTP_TLS_CERTIFICATE"] = certificate;
            variables["REGISTRY_HTTP_TLS_KEY"] = Path.ChangeExtension(certificate, ".key");
            variables["REGISTRY_AUTH_HTPASSWD_REALM"] = "test";
            variables["REGISTRY_AUTH_HTPASSWD_PATH"] = folder["htpasswd"];
        }
        if (strict)
            variables["REGISTRY_HTTP_TLS_CLIENTCAS"] = $"[{certificates.Authorities}]";
        var child = Child.Start("docker-registry", ["serve", folder["config.yml"]], variables);
        var registry = new DebianRegistry(folder, child, port, certificates.Authorities);
        await registry.WhenReadyAsync(port);
        return registry;
    }

    public async ValueTask DisposeAsync()
    {
        await _child.DisposeAsync();
        _folder.Dispose();
    }

    private Task WhenReadyAsync(int port) => Eventually.TrueAsync(async () =>
    {
        try
        {
            using var client = new System.Net.Sockets.TcpClient();
            await client.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
            return true;
        }
        catch (System.Net.Sockets.SocketException) when (!_child.HasExited)
        {
            return false;
        }
    });
}
