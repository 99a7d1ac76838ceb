using Pail.Cli;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Cli;

/// <summary>The commands on docker:// addresses, against CNCF Distribution over TLS with htpasswd.</summary>
[NeedsServers]
[Trait("Also", "Native")]
public sealed class RegistryCommandTests : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private DebianRegistry _registry = null!;

    private string Image => $"docker://{_registry.Host}/team/app:1.0";

    public async ValueTask InitializeAsync() => _registry = await DebianRegistry.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _registry.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Login_PushInspectPullLogout_WorkTogether()
    {
        var image = MemoryImage.Plain();
        await using (var layout = new Pail.OciLayout.OciLayoutSink(_folder["layout"], "1.0"))
            await Copying.RunAsync(image, layout);
        var digest = image.Root!.Digest.ToString();

        Assert.Contains("pail login", (await PailAsync("digest", Image)).Ended(ExitCode.Denied).Error, StringComparison.Ordinal);
        (await LogInAsync("wrong")).Ended(ExitCode.Denied);
        Assert.False(File.Exists(_folder[".docker/config.json"]));
        Assert.Contains("config.json", (await LogInAsync(DebianRegistry.Password + "\n")).Succeeded().Error, StringComparison.Ordinal);

        Assert.Equal($"docker://{_registry.Host}/team/app@{digest}\n", (await PailAsync("push", $"oci:{_folder["layout"]}:1.0", $"docker://{_registry.Host}/team/app")).Succeeded().Output);
        Assert.Equal(digest + "\n", (await PailAsync("digest", Image)).Succeeded().Output);
        Assert.Equal("1.0\n", (await PailAsync("tags", $"docker://{_registry.Host}/team/app")).Succeeded().Output);
        Assert.Contains(digest, (await PailAsync("inspect", Image)).Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal(image.Root.Bytes.ToArray(), System.Text.Encoding.UTF8.GetBytes((await PailAsync("manifest", Image)).Succeeded().Output));
        Assert.Contains("diff_ids", (await PailAsync("config", Image)).Succeeded().Output, StringComparison.Ordinal);

        (await PailAsync("copy", Image, $"file:{_folder["bucket"]}//team/app:1.0")).Ended(ExitCode.NotFound);
        (await PailAsync("init", $"file:{_folder["bucket"]}")).Succeeded();
        (await PailAsync("pull", Image, $"file:{_folder["bucket"]}")).Succeeded();
        Assert.Equal(digest + "\n", (await PailAsync("digest", $"file:{_folder["bucket"]}//team/app:1.0")).Succeeded().Output);
        Assert.Contains("nothing to do", (await PailAsync("copy", Image, $"file:{_folder["bucket"]}")).Succeeded().Error, StringComparison.Ordinal);

        // What pail wrote, docker's and podman's kin read.
        (await Child.RunAsync("skopeo", ["inspect", "--tls-verify=false", Image], Environment())).Succeeded();
        (await PailAsync("logout", _registry.Host)).Succeeded();
        (await PailAsync("digest", Image)).Ended(ExitCode.Denied);
    }

    [Fact]
    public async Task Copy_TagsByPattern_BringsThoseAndToldTogether()
    {
        (await LogInAsync(DebianRegistry.Password)).Succeeded();
        var folder = $"file:{_folder["bucket"]}";
        (await PailAsync("init", folder)).Succeeded();
        foreach (var (tag, seed) in (IEnumerable<(string, int)>)[("1.0", 1), ("1.1", 2), ("2.0", 3)])
        {
            await using (var layout = new Pail.OciLayout.OciLayoutSink(_folder["layout"], tag))
                await Copying.RunAsync(MemoryImage.Plain(seed), layout);
            (await PailAsync("copy", $"oci:{_folder["layout"]}:{tag}", $"docker://{_registry.Host}/team/app:{tag}")).Succeeded();
        }
        var copied = (await PailAsync("copy", "--json", "--tags", "1.*", $"docker://{_registry.Host}/team/app", folder)).Succeeded();
        using var json = System.Text.Json.JsonDocument.Parse(copied.Output);
        Assert.Equal([$"{folder}//team/app:1.0", $"{folder}//team/app:1.1"], json.RootElement.GetProperty("images").EnumerateArray().Select(image => image.GetProperty("destination").GetString()));
        Assert.Equal("1.0\n1.1\n", (await PailAsync("tags", $"{folder}//team/app")).Succeeded().Output);

        (await PailAsync("copy", "--tags", "2.?", "--tags", "1.0", $"docker://{_registry.Host}/team/app", $"oci:{_folder["other"]}")).Succeeded();
        Assert.StartsWith("sha256:", (await PailAsync("digest", $"oci:{_folder["other"]}:2.0")).Succeeded().Output, StringComparison.Ordinal);
        var dry = (await PailAsync("copy", "--dry-run", "--json", "--tags", "1.*", $"docker://{_registry.Host}/team/app", $"docker://{_registry.Host}/team/other")).Succeeded();
        using var forecast = System.Text.Json.JsonDocument.Parse(dry.Output);
        Assert.All(forecast.RootElement.GetProperty("images").EnumerateArray(), image => Assert.Equal((true, 3), (image.GetProperty("dryRun").GetBoolean(), image.GetProperty("blobs").GetProperty("copied").GetInt32())));
        (await PailAsync("tags", $"docker://{_registry.Host}/team/other")).Ended(ExitCode.NotFound);
        var priced = (await PailAsync("copy", "--dry-run", $"docker://{_registry.Host}/team/app:2.0", folder)).Succeeded();
        Assert.Contains("Nothing written: 3 blobs would be sent", priced.Error, StringComparison.Ordinal);
        Assert.Contains("PutObject", priced.Error, StringComparison.Ordinal);
        Assert.Empty(priced.Output);
        Assert.Contains("none of its 3 tags", (await PailAsync("copy", "--tags", "3*", $"docker://{_registry.Host}/team/app", folder)).Ended(ExitCode.NotFound).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_TagsSince_LogsInOnceForAllOfThem()
    {
        await using var open = await DebianRegistry.StartAsync(open: _folder["open"]);
        foreach (var tag in (string[])["1", "2", "3", "4", "5"])
        {
            await using (var layout = new Pail.OciLayout.OciLayoutSink(_folder["layout"], tag))
                await Copying.RunAsync(MemoryImage.Plain(int.Parse(tag)), layout);
            (await PailAsync("copy", $"oci:{_folder["layout"]}:{tag}", $"docker://{open.Host}/team/app:{tag}")).Succeeded();
        }
        await using var gate = await TokenGate.StartAsync(new Uri($"http://{open.Host}"));
        (await Child.RunAsync(BuiltPail.File, BuiltPail.Arguments("login", "--username", TokenGate.User, "--password-stdin", gate.Host), Environment(), TokenGate.Password)).Succeeded();
        gate.Requests.Clear();

        // Their configs say nothing of when: all are looked at, none is copied.
        var copied = (await PailAsync("copy", "--tags", "*", "--since", "1d", $"docker://{gate.Host}/team/app", $"oci:{_folder["there"]}")).Succeeded();

        Assert.Contains("0 of 5 matching tags", copied.Error, StringComparison.Ordinal);
        Assert.Equal(5, gate.Admitted.Count(line => line.Contains("/manifests/", StringComparison.Ordinal)));
        Assert.Single(gate.ToRealm);
        gate.Requests.Clear();
        gate.Admitted.Clear();

        (await PailAsync("copy", "--tags", "*", $"docker://{gate.Host}/team/app", $"docker://{gate.Host}/team/other")).Succeeded();

        // To read, to read and write, and to mount.
        Assert.Equal(3, gate.ToRealm.Count);
        Assert.Equal(15, gate.Admitted.Count(line => line.Contains("mount=", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("tags", "a\nb\n")]
    [InlineData("ls", "docker://HOST/team/app:a\ndocker://HOST/team/app:b\n")]
    public async Task Tags_EntriesThatAreNone_AreLeftOutAndSaid(string verb, string lines)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", "{\"tags\":[\"b\",\"sha256:0\",\"-x\",\"a\"]}"u8.ToArray()));
        var done = (await PailAsync(verb, $"docker://{server.Host}/team/app")).Succeeded();
        Assert.Equal(lines.Replace("HOST", server.Host, StringComparison.Ordinal), done.Output);
        Assert.Equal($"Warning: {server.Host}/team/app: the registry lists 2 entries that are no tags and were left out, such as 'sha256:0'.\n", done.Error);
    }

    [Theory]
    [InlineData("Link: <https://elsewhere.example/x>; rel=next")]
    [InlineData("Link: </v2/team/app/tags/list?n=1000>; rel=\"next\"")]
    [InlineData("Link: <broken; rel=\"next\"")]
    public async Task Tags_ListThatIsCut_IsAnErrorAndNoList(string link)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", $"{link}\r\n", "{\"tags\":[\"b\",\"a\"]}"u8.ToArray()));
        Assert.Empty((await PailAsync("tags", $"docker://{server.Host}/team/app")).Ended(ExitCode.BadContent).Output);
    }

    [Fact]
    public async Task PlainHttpHost_IsSpokenToSo_AndNobodyElse()
    {
        // A proxy makes of this server whatever host it is asked for.
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Method: "CONNECT" } => RawServer.WriteAsync(stream, "502 Bad Gateway", "", default),
            { Method: "HEAD" } or { Path: "/v2/" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
            _ => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {Pail.Oci.MediaTypes.OciManifest}\r\n", MemoryImage.Plain(layers: 0).Root!.Bytes),
        });
        var environment = Environment();
        (environment["http_proxy"], environment["https_proxy"]) = ($"http://{server.Host}", $"http://{server.Host}");

        var done = await Child.RunAsync(BuiltPail.File, BuiltPail.Arguments("copy", "--plain-http-host", "plain.example:5000", "docker://plain.example:5000/app:1", "docker://other.example/app:1"), environment);

        done.Ended(ExitCode.Unavailable);
        Assert.Equal("http://plain.example:5000/v2/app/manifests/1", server.Requests.First().Target);
        Assert.All(server.Requests.Skip(1), request => Assert.Equal(("CONNECT", "other.example:443"), (request.Method, request.Target)));
        Assert.True(server.Requests.Count > 1);
    }

    [Theory]
    [InlineData("not a registry's HOST", "digest", "--plain-http-host", "http://registry.example", "docker://alpine")]
    [InlineData("without tag", "copy", "--tags", "1.*", "docker://alpine", "s3://acme/alpine:1")]
    [InlineData("a repository is expected", "copy", "--tags", "1.*", "docker://alpine:1", "s3://acme/alpine")]
    [InlineData("a repository is expected", "copy", "--tags", "1.*", "oci:dir", "s3://acme/alpine")]
    [InlineData("no terminal", "login", "registry.example")]
    [InlineData("not a registry's HOST", "login", "-u", "a", "--password-stdin", "ftp://registry.example/v2")]
    [InlineData("not a registry's HOST", "login", "-u", "a", "--password-stdin", "https://name@registry.example/")]
    [InlineData("a user name without", "login", "-u", "a", "--password-stdin", "registry.example")]
    [InlineData("not a registry's HOST", "logout", "a b")]
    [InlineData("without tag", "tags", "docker://alpine:3")]
    public async Task BadUse_IsExplained(string says, params string[] arguments) =>
        Assert.Contains(says, (await PailAsync(arguments)).Ended(ExitCode.BadUsage).Error, StringComparison.Ordinal);

    private Task<Finished> LogInAsync(string password) =>
        Child.RunAsync(BuiltPail.File, BuiltPail.Arguments("login", "--username", DebianRegistry.User, "--password-stdin", "--ca-cert", _registry.Authorities, _registry.Host), Environment(), password);

    private Task<Finished> PailAsync(params string[] arguments) => Child.RunAsync(
        BuiltPail.File,
        BuiltPail.Arguments([.. arguments, .. arguments[0] is "init" or "logout" ? (string[])[] : ["--ca-cert", _registry.Authorities]]),
        Environment());

    private Dictionary<string, string?> Environment() => new()
    {
        ["HOME"] = _folder.Path,
        ["XDG_RUNTIME_DIR"] = null,
        ["XDG_CONFIG_HOME"] = null,
        ["REGISTRY_AUTH_FILE"] = null,
        ["DOCKER_CONFIG"] = null,
    };
}
