using System.Runtime.Versioning;
using System.Text.Json;
using Pail.Remote.Access;
using Pail.Remote.Credentials;

namespace Pail.Tests.Remote;

/// <summary>Logins as docker and podman keep them.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class CredentialTests : IDisposable
{
    // Where helpers are looked for: added to the PATH once, for it is the whole process's.
    private static readonly string Bin = AddToPath();

    private readonly RegistryKit _kit = new();
    private string? _helper;

    private CredentialStore Store => new(_kit.Effective);

    private string Config => File.ReadAllText(_kit.Folder[".docker/config.json"]);

    public void Dispose()
    {
        _kit.Dispose();
        if (_helper is not null)
            File.Delete(_helper);
    }

    [Theory]
    [InlineData("docker.io", null, "hub")]
    [InlineData("registry.example", null, "plain")]
    [InlineData("registry.example", "other/app", "plain")]
    [InlineData("registry.example", "team/app", "team")]
    [InlineData("registry.example", "team/app/deep", "app")]
    [InlineData("registry.example:5000", null, "legacy")]
    [InlineData("fields.example", null, "fields")]
    [InlineData("empty.example", null, null)]
    [InlineData("unknown.example", null, null)]
    public async Task Find_InDockersFile_TakesTheLongestMatch(string host, string? repository, string? user)
    {
        _kit.Write(new
        {
            auths = new Dictionary<string, object>
            {
                ["https://index.docker.io/v1/"] = Auth("hub"),
                ["registry.example"] = Auth("plain"),
                ["registry.example/team"] = Auth("team"),
                ["registry.example/team/app/deep"] = Auth("app"),
                ["https://registry.example:5000/v1/"] = Auth("legacy"),
                ["fields.example"] = new { username = "fields", password = "pass:word" },
                ["empty.example"] = new { },
            },
        });
        var found = await Store.FindAsync(host, repository, default);
        Assert.Equal(user, found?.User);
        Assert.Equal(user is null ? null : "pass:word", found?.Password);
        Assert.DoesNotContain("pass:word", found?.ToString() ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Find_InEachFile_FirstThatKnowsTheHostWins()
    {
        // From the last place to the first.
        _kit.Options = new() { RunFolder = _kit.Folder["system"] };
        foreach (var (place, variable) in (IEnumerable<(string, string?)>)
        [
            (".config/containers/auth.json", null),
            ("config/containers/auth.json", "XDG_CONFIG_HOME=config"),
            ($"system/containers/{UserId()}/auth.json", null),
            ("run/containers/auth.json", "XDG_RUNTIME_DIR=run"),
            (".docker/config.json", null),
            ("docker/config.json", "DOCKER_CONFIG=docker"),
            ("mine.json", "REGISTRY_AUTH_FILE=mine.json"),
        ])
        {
            if (variable?.Split('=') is [var name, var folder])
                _kit[name] = _kit.Folder[folder];
            Directory.CreateDirectory(Path.GetDirectoryName(_kit.Folder[place])!);
            await File.WriteAllTextAsync(_kit.Folder[place], JsonSerializer.Serialize(new { auths = new Dictionary<string, object> { ["registry.example"] = Auth(place) } }));
            Assert.Equal(place, (await Store.FindAsync("registry.example", null, default))?.User);
        }
        // That one alone.
        await File.WriteAllTextAsync(_kit.Folder["mine.json"], "{}");
        Assert.Null(await Store.FindAsync("registry.example", null, default));
    }

    [Fact]
    public async Task Find_PodmansKeysOfNamespaces_TakesTheLongest()
    {
        _kit["REGISTRY_AUTH_FILE"] = _kit.Folder["auth.json"];
        var keys = (string[])["docker.io", "docker.io/library", "quay.io", "quay.io/team", "quay.io/team/app"];
        await File.WriteAllTextAsync(_kit.Folder["auth.json"], JsonSerializer.Serialize(new { auths = keys.ToDictionary(key => key, Auth) }));
        foreach (var (host, repository, key) in (IEnumerable<(string, string, string)>)
            [("docker.io", "library/alpine", "docker.io/library"), ("docker.io", "team/app", "docker.io"), ("quay.io", "other", "quay.io"), ("quay.io", "team/apple", "quay.io/team"), ("quay.io", "team/app", "quay.io/team/app")])
            Assert.Equal(key, (await Store.FindAsync(host, repository, default))?.User);
    }

    [Theory]
    [InlineData("a host's own helper, before that for all", "helper")]
    [InlineData("a host's own helper that knows nothing", "file")]
    [InlineData("a host kept in the file, though others have a helper", "file")]
    public async Task Find_HelpersAndFile_InThisOrder(string which, string user)
    {
        var helper = Helper();
        if (user == "helper")
            await new CredentialHelper(helper).StoreAsync("registry.example", new Credential("helper", "x"), default);
        _kit.Write(new
        {
            auths = new Dictionary<string, object> { ["registry.example"] = Auth("file") },
            // Were it asked, it would be an error.
            credsStore = "absent",
            credHelpers = new Dictionary<string, string> { ["registry.example"] = which.StartsWith("a host kept", StringComparison.Ordinal) ? "" : helper },
        });
        Assert.Equal(user, (await Store.FindAsync("registry.example", "team/app", default))?.User);
    }

    [Fact]
    public async Task Find_TokensOfAFile_AreRead()
    {
        _kit.Write(new { auths = new Dictionary<string, object> { ["registry.example"] = new { auth = RegistryKit.Base64("whale:"), identitytoken = "identity", registrytoken = "ready" } } });
        var found = await Store.FindAsync("registry.example", null, default);
        Assert.Equal(("whale", null, "identity", "ready"), (found?.User, found?.Password, found?.IdentityToken, found?.RegistryToken));
    }

    [Theory]
    [InlineData("credHelpers")]
    [InlineData("credsStore")]
    public async Task Helper_KeepsFindsAndForgets(string how)
    {
        var helper = Helper();
        _kit.Write(how == "credsStore" ? new { credsStore = helper } : (object)new { credHelpers = new Dictionary<string, string> { ["registry.example"] = helper } });
        Assert.Null(await Store.FindAsync("registry.example", null, default));
        Assert.Equal($"docker-credential-{helper}", await Store.KeepAsync("registry.example", new Credential("whale", "plankton"), default));
        var found = await Store.FindAsync("registry.example", "team/app", default);
        Assert.Equal(("whale", "plankton"), (found?.User, found?.Password));
        Assert.DoesNotContain("plankton", Config, StringComparison.Ordinal);
        await Store.KeepAsync("registry.example", new Credential("whale", null) { IdentityToken = "identity" }, default);
        Assert.Equal("identity", (await Store.FindAsync("registry.example", null, default))?.IdentityToken);
        Assert.True(await Store.ForgetAsync("registry.example", default));
        Assert.Null(await Store.FindAsync("registry.example", null, default));
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("../../bin/sh")]
    public async Task Helper_ThatIsNone_IsAnErrorThatNamesIt(string helper)
    {
        _kit.Write(new { credsStore = helper });
        var error = await Assert.ThrowsAsync<PailException>(() => Store.FindAsync("registry.example", null, default));
        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains(helper, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keep_LeavesTheRestOfTheFileAndIsForItsOwnerOnly()
    {
        _kit.Write(new { auths = new Dictionary<string, object> { ["other.example"] = Auth("other") }, psFormat = "table", HttpHeaders = new { X = "y" } });
        await Store.KeepAsync("docker.io", new Credential("whale", "pass:word"), default);
        using var config = JsonDocument.Parse(Config);
        Assert.Equal(RegistryKit.Base64("whale:pass:word"), config.RootElement.GetProperty("auths").GetProperty("https://index.docker.io/v1/").GetProperty("auth").GetString());
        Assert.Equal("table", config.RootElement.GetProperty("psFormat").GetString());
        Assert.Equal("y", config.RootElement.GetProperty("HttpHeaders").GetProperty("X").GetString());
        Assert.Equal("other", (await Store.FindAsync("other.example", null, default))?.User);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_kit.Folder[".docker/config.json"]));
        Assert.True(await Store.ForgetAsync("docker.io", default));
        Assert.False(await Store.ForgetAsync("docker.io", default));
        Assert.Single(Directory.EnumerateFiles(_kit.Folder[".docker"]));
    }

    [Fact]
    public async Task Keep_ThroughASymbolicLink_LeavesTheLink()
    {
        Directory.CreateDirectory(_kit.Folder[".docker"]);
        await File.WriteAllTextAsync(_kit.Folder["real.json"], "{}");
        File.CreateSymbolicLink(_kit.Folder[".docker/config.json"], _kit.Folder["real.json"]);
        await Store.KeepAsync("registry.example", new Credential("whale", "x"), default);
        Assert.NotNull(new FileInfo(_kit.Folder[".docker/config.json"]).LinkTarget);
        Assert.Contains("registry.example", await File.ReadAllTextAsync(_kit.Folder["real.json"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    public async Task Find_FileThatIsNone_IsAnErrorThatNamesIt(string content)
    {
        Directory.CreateDirectory(_kit.Folder[".docker"]);
        await File.WriteAllTextAsync(_kit.Folder[".docker/config.json"], content);
        Assert.Contains("config.json", (await Assert.ThrowsAsync<PailException>(() => Store.FindAsync("registry.example", null, default))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Basic realm=\"x\"", "basic realm=x")]
    [InlineData("Bearer realm=\"https://a/t\",service=\"s, \\\"q\\\"\" , scope=\"repository:a:pull repository:b:pull\"", "bearer realm=https://a/t service=s, \"q\" scope=repository:a:pull repository:b:pull")]
    [InlineData("Negotiate, Basic realm=x, Bearer realm=y", "negotiate|basic realm=x|bearer realm=y")]
    [InlineData("Negotiate abc==", "negotiate")]
    [InlineData("Bearer realm=\"unended", "bearer")]
    [InlineData("", "")]
    [InlineData("==,,\"", "")]
    public void Challenge_Parsed_IsWhatWasMeant(string header, string expected)
    {
        using var response = new HttpResponseMessage();
        response.Headers.TryAddWithoutValidation("WWW-Authenticate", header);
        Assert.Equal(expected, string.Join('|', Challenge.Parse(response.Headers).Select(one => string.Concat(one.Scheme, string.Concat(one.Parameters.Select(pair => $" {pair.Key}={pair.Value}"))))));
    }

    private static object Auth(string user) => new { auth = RegistryKit.Base64($"{user}:pass:word") };

    private static string UserId() => File.ReadLines("/proc/self/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];

    private static string AddToPath()
    {
        var bin = Directory.CreateTempSubdirectory("pail-test-helpers-").FullName;
        Environment.SetEnvironmentVariable("PATH", $"{Environment.GetEnvironmentVariable("PATH")}:{bin}");
        return bin;
    }

    // A helper that keeps what it is given in a file.
    private string Helper()
    {
        var name = $"test{Guid.NewGuid():N}";
        _helper = Path.Combine(Bin, $"docker-credential-{name}");
        File.WriteAllText(_helper, $"""
            #!/bin/sh
            kept={_kit.Folder.Path}/kept
            case $1 in
            store) cat >$kept ;;
            erase) rm $kept ;;
            get) read -r server; [ "$server" = registry.example ] && [ -s $kept ] && exec cat $kept; echo "credentials not found in native keychain"; exit 1 ;;
            esac
            """);
        File.SetUnixFileMode(_helper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return name;
    }
}
