using System.Text.Json;
using Pail.Cli.Edge;
using Pail.Tests.Cli;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Edge;

/// <summary>Values in configurations: each syntax reads them as they are, or they are refused.</summary>
public sealed class QuoteTests : IDisposable
{
    private const string Hostile = "a'b\"c\\d`e;f $(g) #h é\u2028i";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Json_AnyText_IsReadAsItIs() => Assert.Equal(Hostile, JsonSerializer.Deserialize<string>(Quote.Json(Hostile)));

    [Theory]
    [InlineData("${path}", "\"$${path}\"")]
    [InlineData("%{if}", "\"%%{if}\"")]
    [InlineData("plain", "\"plain\"")]
    public void Terraform_Templates_AreEscaped(string text, string expected) => Assert.Equal(expected, Quote.Terraform(text));

    [Fact]
    [NeedsServers]
    public async Task Shell_AnyText_IsOneWord() =>
        Assert.Equal($"1 {Hostile}", (await Child.RunAsync("sh", ["-c", $"set -- {Quote.Shell(Hostile)}; printf '%s %s' $# \"$1\""])).Succeeded().Output);

    [Theory]
    [InlineData("a b", "\"a b\"")]
    [InlineData("a\";}b\\", "\"a\\\";}b\\\\\"")]
    public void Nginx_Word_IsQuoted(string text, string expected) => Assert.Equal(expected, Quote.Nginx(text));

    [Theory]
    [InlineData("a$host")]
    [InlineData("a\nb")]
    public void Nginx_WhatCannotBeQuoted_IsRefused(string text) => Assert.Throws<PailException>(() => Quote.Nginx(text));

    [Theory]
    [InlineData("a b")]
    [InlineData("{host}")]
    [InlineData("a\nb")]
    [InlineData("")]
    [InlineData("a\"b")]
    public void Caddy_WhatIsNoAddress_IsRefused(string text) => Assert.Throws<PailException>(() => Quote.Caddy(text));

    [Theory]
    [InlineData("/a{b}")]
    [InlineData("/a?b")]
    [InlineData("/a\"b")]
    public void CaddyPath_WhatEndsAPath_IsRefused(string text) => Assert.Throws<PailException>(() => Quote.CaddyPath(text));

    [Theory]
    [InlineData("nginx", "--listen", "80; }$x")]
    [InlineData("nginx", "--host", "a$b")]
    [InlineData("caddy", "--host", "a {")]
    [InlineData("nginx", "--tls-cert", "only")]
    [InlineData("cloudfront", "--host", "only")]
    public async Task Edge_WhatCannotBeWritten_IsRefused(params string[] arguments) =>
        (await Command.RunAsync(["edge", arguments[0], "s3://whale", "--layout", "v2", "--region", "eu-central-1", "--out", _folder["out"], .. arguments[1..]])).Ended(Pail.Cli.ExitCode.BadUsage).OneLine();

    [Fact]
    public async Task Edge_SeveralFilesWithoutAFolder_AsksForOne() =>
        Assert.Contains("--out", (await Command.RunAsync("edge", "cloudflare", "s3://whale", "--layout", "v2", "--region", "auto")).Ended(Pail.Cli.ExitCode.BadUsage).OneLine(), StringComparison.Ordinal);

    [Fact]
    public async Task Edge_AFolder_IsServedWithoutOne() =>
        Assert.Contains("docs/nginx.md", (await Command.RunAsync("edge", "nginx", "file:/srv")).Ended(Pail.Cli.ExitCode.BadUsage).OneLine(), StringComparison.Ordinal);
}
