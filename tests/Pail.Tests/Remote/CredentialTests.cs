using System.Runtime.Versioning;
using System.Text.Json;
using Pail.Io;
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
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Store.FindAsync("registry.example", null, default));
        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains(helper, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keep_NewFile_IsForItsOwnerOnly()
    {
        await Store.KeepAsync("docker.io", new Credential("whale", "pass:word"), default);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_kit.Folder[".docker/config.json"]));
    }

    [Fact]
    public async Task Keep_LeavesTheRestOfTheFile()
    {
        _kit.Write(new { auths = new Dictionary<string, object> { ["other.example"] = Auth("other") }, psFormat = "table", HttpHeaders = new { X = "y" } });
        await Store.KeepAsync("docker.io", new Credential("whale", "pass:word"), default);
        using var config = JsonDocument.Parse(Config);
        Assert.Equal(RegistryKit.Base64("whale:pass:word"), config.RootElement.GetProperty("auths").GetProperty("https://index.docker.io/v1/").GetProperty("auth").GetString());
        Assert.Equal("table", config.RootElement.GetProperty("psFormat").GetString());
        Assert.Equal("y", config.RootElement.GetProperty("HttpHeaders").GetProperty("X").GetString());
        Assert.Equal("other", (await Store.FindAsync("other.example", null, default))?.User);
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
    // A key twice: the last counts, and maps are joined, as for docker.
    [InlineData("{'auths':{'registry.example':{'auth':'d2hhbGU6eA=='}},'auths':{}}")]
    [InlineData("{'auths':{'registry.example':{'auth':'d2hhbGU6eA=='}},'auths':{'other.example':{'auth':'b2xkOng='}}}")]
    [InlineData("{'auths':{'registry.example':{'auth':'b2xkOng='}},'auths':{'registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'registry.example':{'auth':'b2xkOng='},'registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'registry.example':{'auth':'b2xkOng=','auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'HttpHeaders':{'a':'1','a':'2'},'credHelpers':{'x':'y','x':'z'},'auths':{'registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    // A host twice: the usual spelling goes first, and what holds something.
    [InlineData("{'auths':{'https://registry.example':{'auth':'b2xkOng='},'registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'REGISTRY.example':{'auth':'b2xkOng='},'registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'registry.example':{},'https://registry.example/v2/':{'auth':'d2hhbGU6eA=='}}}")]
    // Spellings of a host.
    [InlineData("{'auths':{'registry.example/':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'registry.example/v1/':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'registry.example/v2':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'Registry.Example':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'https://registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'https://registry.example/v2/':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'HTTPS://registry.example/v1/':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'http://registry.example/some/path':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'https://registry.example:443/v2/':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'ftp://registry.example':{'auth':'b2xkOng='},'registry.example:5000':{'auth':'b2xkOng='},'registry.example.org':{'auth':'b2xkOng='},'registry.example/other':{'auth':'b2xkOng='},'http://registry.example/':{'auth':'d2hhbGU6eA=='}}}")]
    // Podman's namespaces, the longest first.
    [InlineData("{'auths':{'registry.example':{'auth':'b2xkOng='},'registry.example/team/':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'auths':{'registry.example/team':{'auth':'b2xkOng='},'Registry.example/team/app':{'auth':'d2hhbGU6eA=='},'registry.example/team/app/deep':{'auth':'b2xkOng='}}}")]
    [InlineData("{'auths':{'registry.example/tea':{'auth':'b2xkOng='},'registry.example/TEAM':{'auth':'b2xkOng='},'registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    // How it is written.
    [InlineData("\ufeff{'auths':{'registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{// mine\n'auths':{'registry.example':{'auth':'d2hhbGU6eA==',},},}")]
    [InlineData("{'Auths':{'registry.example':{'Auth':'d2hhbGU6eA=='}}}")]
    [InlineData("{'credHelpers':null,'credsStore':'','auths':{'registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    // How a login is written.
    [InlineData("{'auths':{'registry.example':{'auth':'d2hhbGU6eA'}}}")]
    [InlineData("{'auths':{'registry.example':{'auth':' d2hhbGU6eA==\\n'}}}")]
    [InlineData("{'auths':{'registry.example':{'auth':'','username':'whale','password':'x'}}}")]
    [InlineData("{'auths':{'registry.example':{'auth':'d2hhbGU6eA==','username':'old','password':'y'}}}")]
    [InlineData("{'auths':{'broken.example':{'auth':'?'},'registry.example':{'auth':'d2hhbGU6eA=='}}}")]
    public async Task Find_WrittenInAnyWay_IsFoundForgottenAndKept(string config)
    {
        Directory.CreateDirectory(_kit.Folder[".docker"]);
        await File.WriteAllTextAsync(_kit.Folder[".docker/config.json"], config.Replace('\'', '"'));
        var found = await Store.FindAsync("registry.example", "team/app", default);
        Assert.Equal(("whale", "x"), (found?.User, found?.Password));
        await Store.ForgetAsync("registry.example", default);
        Assert.Null(await Store.FindAsync("registry.example", null, default));
        await Store.KeepAsync("registry.example", new Credential("new", "y"), default);
        Assert.Equal("new", (await Store.FindAsync("registry.example", null, default))?.User);
    }

    [Theory]
    [InlineData("docker.io")]
    [InlineData("index.docker.io")]
    [InlineData("registry-1.docker.io")]
    [InlineData("https://index.docker.io/v1/")]
    [InlineData("https://index.docker.io/v2/")]
    [InlineData("http://index.docker.io")]
    [InlineData("Docker.io/")]
    public async Task Find_DockerHub_ByAnyOfItsNames(string key)
    {
        _kit.Write(new { auths = new Dictionary<string, object> { [key] = Auth("hub") } });
        Assert.Equal("hub", (await Store.FindAsync("docker.io", "library/alpine", default))?.User);
    }

    [Theory]
    [InlineData("registry.example:5000", "registry.example")]
    [InlineData("registry.example", "registry.example:5000")]
    [InlineData("registry.example:443", "registry.example")]
    [InlineData("http://registry.example:443/", "registry.example")]
    [InlineData("https://registry.example:80/", "registry.example")]
    [InlineData("aregistry.example", "registry.example")]
    [InlineData("https://registry.example.evil/", "registry.example")]
    [InlineData("https://evil/registry.example", "registry.example")]
    public async Task Find_AnotherHost_IsNotMatched(string key, string host)
    {
        _kit.Write(new { auths = new Dictionary<string, object> { [key] = Auth("other") } });
        Assert.Null(await Store.FindAsync(host, "team/app", default));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    [InlineData("null")]
    [InlineData("{'auths':null}")]
    [InlineData("{'auths':[]}")]
    [InlineData("{'auths':{'registry.example':null}}")]
    [InlineData("{'auths':{'registry.example':{'auth':''}}}")]
    [InlineData("{'auths':{'registry.example':{'auth':'d2hhbGU='}}}")] // no password
    [InlineData("{'auths':{'registry.example':{'auth':'d2hhbGU6'}}}")] // an empty one
    public async Task Find_NothingInTheFile_IsNothing(string config)
    {
        Directory.CreateDirectory(_kit.Folder[".docker"]);
        await File.WriteAllTextAsync(_kit.Folder[".docker/config.json"], config.Replace('\'', '"'));
        Assert.Null(await Store.FindAsync("registry.example", null, default));
    }

    [Fact]
    public async Task Find_InDockersVariable_GoesBeforeFiles()
    {
        _kit.Write(new { auths = new Dictionary<string, object> { ["registry.example"] = Auth("file"), ["other.example"] = Auth("other") } });
        _kit["DOCKER_AUTH_CONFIG"] = JsonSerializer.Serialize(new { auths = new Dictionary<string, object> { ["https://registry.example"] = Auth("variable") } });
        Assert.Equal(("variable", "other"), ((await Store.FindAsync("registry.example", null, default))?.User, (await Store.FindAsync("other.example", null, default))?.User));
    }

    [Fact]
    public async Task Find_WithTroubleTold_GoesOnToTheNextFile()
    {
        _kit.Write(new { credsStore = "is-not-there" });
        _kit["XDG_RUNTIME_DIR"] = _kit.Folder["run"];
        Directory.CreateDirectory(_kit.Folder["run/containers"]);
        await File.WriteAllTextAsync(_kit.Folder["run/containers/auth.json"], "nonsense");
        Directory.CreateDirectory(_kit.Folder[".config/containers"]);
        await File.WriteAllTextAsync(_kit.Folder[".config/containers/auth.json"], JsonSerializer.Serialize(new { auths = new Dictionary<string, object> { ["registry.example"] = Auth("last") } }));
        var troubles = new List<PailException>();
        Assert.Equal("last", (await Store.FindAsync("registry.example", null, default, troubles.Add))?.User);
        Assert.Equal(2, troubles.Count);
    }

    [Theory]
    [InlineData("echo 'credentials not found in native keychain'; exit 1")]
    [InlineData("echo 'Credentials not found'; exit 1")]
    [InlineData("echo 'No stored credential for registry.example'; exit 1")]
    [InlineData("echo 'no credentials server URL'; exit 1")]
    [InlineData("echo '{}'")]
    [InlineData("echo '{\"Username\":\"whale\",\"Secret\":\"\"}'")]
    [InlineData("true")]
    public async Task Helper_ThatKnowsNothing_IsNothing(string script) => Assert.Null(await new CredentialHelper(Script(script)).GetAsync("registry.example", default));

    [Theory]
    [InlineData("echo '{\"ServerURL\":\"registry.example\",\"Username\":\"whale\",\"Secret\":\"x\"}'", "whale", "x", null)]
    [InlineData("echo '{\"username\":\"whale\",\"secret\":\"x\"}'", "whale", "x", null)]
    [InlineData("echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'; echo warning >&2", "", null, "t")]
    public async Task Helper_ThatKnows_IsRead(string script, string user, string? password, string? token)
    {
        var found = await new CredentialHelper(Script(script)).GetAsync("registry.example", default);
        Assert.Equal((user, password, token), (found?.User, found?.Password, found?.IdentityToken));
    }

    [Theory]
    [InlineData("echo 'the keychain is locked'; exit 1", "the keychain is locked")]
    [InlineData("exit 3", "failed (3)")]
    [InlineData("echo nonsense", "no JSON")]
    public async Task Helper_ThatFails_SaysWhatItSaid(string script, string says) =>
        Assert.Contains(says, (await Assert.ThrowsAnyAsync<PailException>(() => new CredentialHelper(Script(script)).GetAsync("registry.example", default))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Keep_WhatIsKeptAlready_WritesNothing()
    {
        await Store.KeepAsync("registry.example", new Credential("whale", "x"), default);
        var before = File.GetLastWriteTimeUtc(_kit.Folder[".docker/config.json"]);
        File.SetLastWriteTimeUtc(_kit.Folder[".docker/config.json"], before = before.AddDays(-1));
        await Store.KeepAsync("registry.example", new Credential("whale", "x"), default);
        Assert.Equal(before, File.GetLastWriteTimeUtc(_kit.Folder[".docker/config.json"]));
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.UserRead)]
    public async Task Keep_FileOfAnother_KeepsItsOwnerAndMode(UnixFileMode mode)
    {
        var file = _kit.Folder[".docker/config.json"];
        _kit.Write(new { auths = new { } });
        // Only root can give files away.
        if (UserId() == "0")
            Assert.Equal(0, Posix.ChangeOwner(file, 65534, 65533));
        File.SetUnixFileMode(file, mode);
        var owner = Posix.OwnerOf(file);

        await Store.KeepAsync("registry.example", new Credential("whale", "x"), default);
        Assert.Equal((owner, mode), (Posix.OwnerOf(file), File.GetUnixFileMode(file)));
        Assert.NotNull(await Store.FindAsync("registry.example", null, default));
        await Store.ForgetAsync("registry.example", default);

        Assert.Equal((owner, mode), (Posix.OwnerOf(file), File.GetUnixFileMode(file)));
        Assert.Equal([".docker/config.json"], Directory.GetFiles(_kit.Folder[".docker"]).Select(path => Path.GetRelativePath(_kit.Folder.Path, path)));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    public async Task Find_FileThatIsNone_IsAnErrorThatNamesIt(string content)
    {
        Directory.CreateDirectory(_kit.Folder[".docker"]);
        await File.WriteAllTextAsync(_kit.Folder[".docker/config.json"], content);
        Assert.Contains("config.json", (await Assert.ThrowsAnyAsync<PailException>(() => Store.FindAsync("registry.example", null, default))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Basic realm=\"x\"", "basic realm=x")]
    [InlineData("Bearer realm=\"https://a/t\",service=\"s, \\\"q\\\"\" , scope=\"repository:a:pull repository:b:pull\"", "bearer realm=https://a/t service=s, \"q\" scope=repository:a:pull repository:b:pull")]
    [InlineData("Negotiate, Basic realm=x, Bearer realm=y", "negotiate|basic realm=x|bearer realm=y")]
    [InlineData("Negotiate abc==", "negotiate")]
    [InlineData("Negotiate abc==, Basic realm=x", "negotiate|basic realm=x")]
    [InlineData("BEARER Realm = \"y\" , SERVICE=z", "bearer realm=y service=z")]
    [InlineData("Bearer realm=https://a.example/t?x=y&z,service=a.example,scope=repository:a/b:pull,push", "bearer realm=https://a.example/t?x=y&z service=a.example scope=repository:a/b:pull,push")]
    [InlineData("Bearer realm=/t,scope=repository:a:pull,push,Basic realm=\"x\"", "bearer realm=/t scope=repository:a:pull,push|basic realm=x")]
    [InlineData("Bearer realm=\"/t\" service=\"s\";scope=\"repository:a:pull,push\"", "bearer realm=/t service=s scope=repository:a:pull,push")]
    [InlineData("Basic realm=\"a, Bearer realm=b\", Bearer realm=\"/t\"", "basic realm=a, Bearer realm=b|bearer realm=/t")]
    [InlineData("Basic realm=\"\"", "basic realm=")]
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
    private string Helper() => Script($"""
            kept={_kit.Folder.Path}/kept
            case $1 in
            store) cat >$kept ;;
            erase) rm $kept ;;
            get) read -r server; [ "$server" = registry.example ] && [ -s $kept ] && exec cat $kept; echo "credentials not found in native keychain"; exit 1 ;;
            esac
            """);

    private string Script(string lines)
    {
        var name = $"test{Guid.NewGuid():N}";
        _helper = Path.Combine(Bin, $"docker-credential-{name}");
        File.WriteAllText(_helper, $"#!/bin/sh\n{lines}\n");
        File.SetUnixFileMode(_helper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return name;
    }
}
