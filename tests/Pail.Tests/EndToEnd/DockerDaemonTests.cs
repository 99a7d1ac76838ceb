using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;

namespace Pail.Tests.EndToEnd;

/// <summary>From one Docker Engine to another through a bucket.</summary>
[UsesDebian13]
[NeedsServers]
[Trait("Also", "Native")]
public sealed class DockerDaemonTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("docker", "other docker")]
    [InlineData("docker", "docker 26 containerd")]
    [InlineData("docker 26", "docker")]
    [InlineData("docker 26", "docker 26 containerd")]
    [InlineData("docker 26 containerd", "docker")]
    [InlineData("docker 26 containerd", "docker 26")]
    public async Task BuiltImage_PushedAndPulled_RunsElsewhere(string from, string to)
    {
        await using var bucket = await TestBucket.TakeAsync();
        var (engine, other) = (await Engine.OfAsync(from), await Engine.OfAsync(to));
        var here = new DockerCli(_folder, engine);
        var there = new DockerCli(_folder, other);
        await here.BuildAsync(Context(), "built:1");

        await PailCli.Direct.DoAsync("init", bucket.Address);
        await new PailCli(TestEnvironment.S3, engine.Socket).DoAsync("push", "docker-daemon:built:1", $"{bucket.Address}/team/built:1");
        await new PailCli(TestEnvironment.S3, other.Socket).DoAsync("pull", $"{bucket.Address}/team/built:1", "docker-daemon:pulled:1");

        Assert.Equal("made by docker build", await there.RunContainerAsync("pulled:1"));
        Assert.Equal(await here.ConfigDigestAsync("built:1"), await there.ConfigDigestAsync("pulled:1"));
        await here.RemoveAsync("built:1");
        await there.RemoveAsync("pulled:1");
    }

    public void Dispose() => _folder.Dispose();

    private string Context()
    {
        var context = Directory.CreateDirectory(_folder["context"]).FullName;
        File.Copy("/bin/busybox", Path.Combine(context, "busybox"));
        File.WriteAllText(Path.Combine(context, "Dockerfile"),
            """
            FROM scratch
            COPY busybox /bin/sh
            RUN echo made by docker build > /words
            CMD ["/bin/sh", "-c", "read words < /words; echo $words"]
            """);
        return context;
    }
}
