using System.Net;
using Pail.Server.Configuration;

namespace Pail.Tests.Server;

public sealed class SettingsTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    private static ServeConfiguration Read(Dictionary<string, string[]>? flags = null, Dictionary<string, string>? variables = null, string? file = null) => ServeConfiguration.Read(
        (flags ?? []).ToDictionary(pair => pair.Key, IReadOnlyList<string> (pair) => pair.Value),
        name => (variables ?? []).GetValueOrDefault(name),
        file);

    [Fact]
    public void Nothing_Set_IsSafe()
    {
        var configuration = Read();
        Assert.Equal([new IPEndPoint(IPAddress.Loopback, 5000)], configuration.Server.Listen);
        Assert.Empty(configuration.Server.TrustedProxies);
        Assert.Equal(TimeSpan.Zero, configuration.Server.TagLifetime);
        Assert.True(configuration.Redirect);
        Assert.Null(configuration.Bucket);
    }

    [Fact]
    public void Sources_InOrder_FlagVariableFile()
    {
        File.WriteAllText(_file, """
            {
              // a comment
              "listen": ["0.0.0.0:1", "[::1]:2"],
              "tag-cache": "5s", "digest-cache": 7, "read-only": true,
              "bucket": "s3://from-file",
            }
            """);
        var configuration = Read(
            new() { ["bucket"] = ["s3://from-flag"] },
            new() { ["PAIL_BUCKET"] = "s3://from-variable", ["PAIL_TAG_CACHE"] = "1m", ["PAIL_TRUSTED_PROXY"] = "10.0.0.0/8, 192.168.1.1" },
            _file);
        Assert.Equal("s3://from-flag", configuration.Bucket);
        Assert.Equal(TimeSpan.FromMinutes(1), configuration.Server.TagLifetime);
        Assert.Equal(TimeSpan.FromSeconds(7), configuration.Server.DigestLifetime);
        Assert.True(configuration.Server.ReadOnly);
        Assert.Equal([IPEndPoint.Parse("0.0.0.0:1"), IPEndPoint.Parse("[::1]:2")], configuration.Server.Listen);
        Assert.Equal([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("192.168.1.1/32")], configuration.Server.TrustedProxies);
    }

    // Each kind of value is read by one parser, wherever it is set.
    [Theory]
    [InlineData("memory", "1.5G", 3L << 29)]
    [InlineData("memory", "1.5GiB", 3L << 29)]
    [InlineData("memory", "1536mib", 3L << 29)]
    [InlineData("memory", "100 MB", 100_000_000)]
    [InlineData("memory", "67108864", 64L << 20)]
    [InlineData("manifest-memory", "0.5K", 512)]
    [InlineData("digest-cache", "1.5H", 5400)]
    [InlineData("digest-cache", "1h30m", 5400)]
    [InlineData("digest-cache", "7d", 604_800)]
    [InlineData("digest-cache", "1500ms", 1.5)]
    [InlineData("digest-cache", "90", 90)]
    [InlineData("addressing-style", "Path", 1)]
    [InlineData("addressing-style", "virtual", 2)]
    public void Value_OfEachKind_MeansTheSameEverywhere(string name, string text, double expected)
    {
        File.WriteAllText(_file, System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, string> { [name] = text }));
        var variable = Settings.All.Single(setting => setting.Name == name).Variable;
        foreach (var configuration in (ServeConfiguration[])[Read(new() { [name] = [text] }), Read(variables: new() { [variable] = text }), Read(file: _file)])
            Assert.Equal(expected, name switch
            {
                "memory" => configuration.Transfer.MemoryLimit,
                "manifest-memory" => configuration.Server.ManifestMemory,
                "digest-cache" => configuration.Server.DigestLifetime.TotalSeconds,
                _ => (double)configuration.Addressing!.Value,
            });
    }

    [Theory]
    [InlineData("memory", "lots", "a size is expected, such as 64MiB, 1.5GiB or a number of bytes")]
    [InlineData("memory", "1XB", "a size is expected")]
    [InlineData("memory", "31MiB", "at least 32 MiB are expected")]
    [InlineData("digest-cache", "5 parsecs", "a time is expected, such as 500ms, 30s, 15m, 1.5h or 7d")]
    [InlineData("digest-cache", "1h30", "a time is expected")]
    [InlineData("sweep", "60d", "at most 720h are expected")]
    [InlineData("upload-lifetime", "1s", "at least 60 s are expected")]
    [InlineData("addressing-style", "both", "auto, path or virtual is expected")]
    public void Value_ThatIsBad_SaysWhereItWasSetAndWhatItShouldBe(string name, string value, string expected)
    {
        File.WriteAllText(_file, System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, string> { [name] = value }));
        var variable = Settings.All.Single(setting => setting.Name == name).Variable;
        Assert.StartsWith($"--{name}: {expected}", Assert.Throws<PailException>(() => Read(new() { [name] = [value] }, new() { [variable] = "junk" }, _file)).Message, StringComparison.Ordinal);
        Assert.StartsWith($"{variable}: {expected}", Assert.Throws<PailException>(() => Read(variables: new() { [variable] = value }, file: _file)).Message, StringComparison.Ordinal);
        Assert.StartsWith($"{_file}: {name}: {expected}", Assert.Throws<PailException>(() => Read(file: _file)).Message, StringComparison.Ordinal);
    }

    // A list is replaced as a whole by the place that goes before.
    [Fact]
    public void List_InTwoPlaces_IsNotMixed()
    {
        File.WriteAllText(_file, """{"listen": ["127.0.0.1:1", "127.0.0.1:2"]}""");
        Assert.Equal([IPEndPoint.Parse("127.0.0.1:3")], Read(new() { ["listen"] = ["127.0.0.1:3"] }, file: _file).Server.Listen);
    }

    [Theory]
    [InlineData("listen", "5000")]
    [InlineData("listen", "host.example:5000")]
    [InlineData("listen", "1.2.3.4:99999")]
    [InlineData("tag-cache", "soon")]
    [InlineData("tag-cache", "-1s")]
    [InlineData("tag-cache", "5 parsecs")]
    [InlineData("redirect-lifetime", "0")]
    [InlineData("redirect-lifetime", "169h")]
    [InlineData("memory", "1MiB")]
    [InlineData("memory", "lots")]
    [InlineData("max-connections", "0")]
    [InlineData("read-only", "perhaps")]
    [InlineData("trusted-proxy", "10.0.0.0/99")]
    [InlineData("public-endpoint", "images.example")]
    [InlineData("public-endpoint", "https://user:password@images.example")]
    [InlineData("log", "xml")]
    [InlineData("secret", "short")]
    [InlineData("secret-file", "/nonexistent/secret")]
    [InlineData("addressing-style", "both")]
    public void Value_ThatMakesNoSense_IsRefusedWithItsOrigin(string name, string value)
    {
        var variable = "PAIL_" + name.Replace('-', '_').ToUpperInvariant();
        foreach (var (origin, read) in new (string, Action)[]
        {
            ("--" + name, () => Read(new() { [name] = [value] })),
            (variable, () => Read(variables: new() { [variable] = value })),
            (name, () =>
            {
                File.WriteAllText(_file, System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, string> { [name] = value }));
                Read(file: _file);
            }),
        })
        {
            var error = Assert.Throws<PailException>(read);
            Assert.Equal(Failure.BadInput, error.Failure);
            Assert.Contains(origin, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("password", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"tag-cach": 1}""", "tag-cach")]
    [InlineData("""{"tag-cache": {}}""", "expected")]
    [InlineData("[]", "object")]
    [InlineData("{", "is not valid")]
    public void File_ThatMakesNoSense_IsRefused(string text, string says)
    {
        File.WriteAllText(_file, text);
        Assert.Contains(says == "is not valid" ? _file : says, Assert.Throws<PailException>(() => Read(file: _file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TlsHalf_Set_IsRefused() => Assert.Throws<PailException>(() => Read(new() { ["tls-cert"] = ["x.pem"] }));

    [Fact]
    public void Settings_All_AreDocumented()
    {
        var text = File.ReadAllText(Path.Combine(Kit.TestEnvironment.Sources, "docs", "server.md"));
        foreach (var setting in Settings.All)
        {
            Assert.Contains($"`{(setting.IsArgument ? "" : setting.OnCommandLine ? "--" : "")}{setting.Name}", text, StringComparison.Ordinal);
            Assert.Contains($"`{setting.Variable}`", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Secret_IsNotOnTheCommandLine() => Assert.False(Settings.All.Single(setting => setting.Name == "secret").OnCommandLine);

    public void Dispose() => File.Delete(_file);
}
