using System.Text.Json;
using Pail.Docker;

namespace Pail.Tests.Images;

public sealed class DockerHostTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public void Find_NothingSet_IsTheUsualSocket() => Assert.Equal("unix:///var/run/docker.sock", Find());

    [Fact]
    public void Find_Host_IsTaken() => Assert.Equal("tcp://host:1", Find(("DOCKER_HOST", "tcp://host:1")));

    [Fact]
    public void Find_ContextInUse_IsFollowedUnlessAHostIsNamed()
    {
        AddContext("far", "unix:///far.sock");
        File.WriteAllText(_folder["config.json"], """{"currentContext":"far"}""");

        Assert.Equal("unix:///far.sock", Find());
        Assert.Equal("unix:///near.sock", Find(("DOCKER_HOST", "unix:///near.sock")));
    }

    [Fact]
    public void Find_Host_GoesBeforeAContextAsForDocker()
    {
        AddContext("far", "unix:///far.sock");

        Assert.Equal("unix:///near.sock", Find(("DOCKER_HOST", "unix:///near.sock"), ("DOCKER_CONTEXT", "far")));
        Assert.Equal("unix:///near.sock", Find(("DOCKER_HOST", "unix:///near.sock"), ("DOCKER_CONTEXT", "default")));
        Assert.Equal("unix:///far.sock", Find(("DOCKER_CONTEXT", "far")));
        Assert.Equal("unix:///var/run/docker.sock", Find(("DOCKER_CONTEXT", "default")));
    }

    [Fact]
    public void Find_ContextThatIsNotThere_SaysSo() =>
        Assert.Contains("'lost'", Assert.Throws<PailException>(() => Find(("DOCKER_CONTEXT", "lost"))).Message);

    [Fact]
    public void Find_ConfigurationThatIsNone_IsIgnored()
    {
        File.WriteAllText(_folder["config.json"], "not JSON");

        Assert.Equal("unix:///var/run/docker.sock", Find());
    }

    [Theory]
    [InlineData("app:1", "docker.io/library/app:1")]
    [InlineData("team/app:1", "docker.io/team/app:1")]
    [InlineData("localhost/app:1", "localhost/app:1")]
    [InlineData("localhost:5000/app:1", "localhost:5000/app:1")]
    [InlineData("example.com/team/app:1", "example.com/team/app:1")]
    public void Whole_Name_IsAsContainerdKeepsIt(string name, string whole) => Assert.Equal(whole, DockerName.Whole(name));

    public void Dispose() => _folder.Dispose();

    private string Find(params (string Name, string Value)[] variables) =>
        DockerHost.Find(name => name == "DOCKER_CONFIG" ? _folder.Path : variables.FirstOrDefault(variable => variable.Name == name).Value);

    // Docker calls the folder by the SHA-256 of the name.
    private void AddContext(string name, string host)
    {
        var folder = Path.Combine(_folder.Path, "contexts", "meta", Pail.Oci.Digest.Of(System.Text.Encoding.UTF8.GetBytes(name)).Hex);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "meta.json"), JsonSerializer.Serialize(new { Name = name, Endpoints = new { docker = new { Host = host } } }));
    }
}
