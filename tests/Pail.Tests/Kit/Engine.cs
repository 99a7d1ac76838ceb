using Pail.Docker;

namespace Pail.Tests.Kit;

/// <summary>A Docker Engine that <c>./test</c> starts.</summary>
/// <param name="Name">Its name in tests.</param>
/// <param name="Machine">Where it and its clients run.</param>
/// <param name="Socket">Its socket, as DOCKER_HOST wants it.</param>
/// <param name="KeepsImages">It keeps images as they were pulled, in containerd, and knows them by the digest of the manifest or index; else it unpacks them, and knows them by that of the config.</param>
internal sealed record Engine(string Name, Machine Machine, string Socket, bool KeepsImages = false)
{
    /// <summary>That of this machine.</summary>
    public static Engine Docker => new("docker", Machine.Here, TestEnvironment.Docker);

    /// <summary>Another of this machine.</summary>
    public static Engine Other => new("other docker", Machine.Here, TestEnvironment.OtherDocker);

    /// <summary>Docker 26 with the classic store.</summary>
    public static Engine Docker26 => new("docker 26", Machine.Debian13, $"unix://{TestEnvironment.Debian}/classic/docker.sock");

    /// <summary>Docker 26 with the containerd image store, which new installations have from Docker 29 on.</summary>
    public static Engine Docker26Containerd => new("docker 26 containerd", Machine.Debian13, $"unix://{TestEnvironment.Debian}/containerd/docker.sock", KeepsImages: true);

    /// <summary>One of each kind.</summary>
    public static IReadOnlyList<string> Names { get; } = ["docker", "docker 26", "docker 26 containerd"];

    /// <summary>The path of the socket of its containerd.</summary>
    public string Containerd => Path.Combine(Path.GetDirectoryName(Socket["unix://".Length..])!, "exec/containerd/containerd.sock");

    /// <summary>Opens it as Pail does, when it runs.</summary>
    public async Task<DockerEngine> OpenAsync()
    {
        await Machine.ReadyAsync();
        return new(Socket);
    }

    /// <summary>The engine of this name, though perhaps not running yet.</summary>
    public static Engine Named(string name) => name switch
    {
        "docker" => Docker,
        "other docker" => Other,
        "docker 26" => Docker26,
        "docker 26 containerd" => Docker26Containerd,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    /// <summary>The engine of this name, when it runs.</summary>
    public static async Task<Engine> OfAsync(string name)
    {
        var engine = Named(name);
        await engine.Machine.ReadyAsync();
        return engine;
    }
}
