using Pail.Cli.Commands;

namespace Pail.Tests.Cli;

/// <summary>Registries as people copy them from a browser or from docker's documentation.</summary>
public sealed class LoginHostTests
{
    [Theory]
    [InlineData("registry.example", "registry.example")]
    [InlineData("https://registry.example", "registry.example")]
    [InlineData("https://registry.example/", "registry.example")]
    [InlineData("HTTPS://registry.example:5000/v2/", "registry.example:5000")]
    [InlineData("http://127.0.0.1:5000/v1/", "127.0.0.1:5000")]
    [InlineData("docker://registry.example/team/app", "registry.example")]
    [InlineData("registry.example/team/app", "registry.example")]
    [InlineData("https://[::1]:5000/v2/", "[::1]:5000")]
    [InlineData("https://index.docker.io/v1/", "docker.io")]
    [InlineData("registry-1.docker.io", "docker.io")]
    public void Host_WithSchemeAndPath_IsTheHost(string text, string host) => Assert.Equal(host, LoginCommand.Host(text));

    [Theory]
    [InlineData("")]
    [InlineData("https://")]
    [InlineData("https:///v2/")]
    [InlineData("ftp://registry.example/")]
    [InlineData("https://name:secret@registry.example/")]
    [InlineData("a b")]
    [InlineData("registry.example?x=/")]
    public void Host_OfNone_IsRefused(string text) => Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => LoginCommand.Host(text)).Failure);
}
