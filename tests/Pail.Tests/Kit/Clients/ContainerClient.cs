using Pail.Tests.Images;

namespace Pail.Tests.Kit.Clients;

/// <summary>A program that pushes images to registries and pulls them, with storage of its own in a folder of the test.</summary>
internal abstract class ContainerClient(TestFolder folder)
{
    /// <summary>Its name, as a person starts it.</summary>
    public abstract string Name { get; }

    /// <summary>Every client there is.</summary>
    public static IReadOnlyList<string> Names { get; } = ["docker", "podman", "skopeo", "buildah", "ctr"];

    /// <summary>The client of this name.</summary>
    public static ContainerClient Of(string name, TestFolder folder) => name switch
    {
        "docker" => new DockerCli(folder, TestEnvironment.Docker),
        "podman" or "buildah" => new Podman(folder, name),
        "skopeo" => new Skopeo(folder),
        "ctr" => new Ctr(folder),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    /// <summary>Pushes an image over plain HTTP, and forgets it.</summary>
    /// <param name="layout">An OCI layout with the image alone.</param>
    /// <param name="reference">Where to.</param>
    public abstract Task PushAsync(TestLayout layout, string reference);

    /// <summary>Pulls an image over plain HTTP, and forgets it when asked so by <see cref="RemoveAsync"/>.</summary>
    public abstract Task PullAsync(string reference);

    /// <summary>The digest of the config the pulled image has: every client checks all digests on the way there.</summary>
    public abstract Task<string> ConfigDigestAsync(string reference);

    /// <summary>Removes the image from the client's storage.</summary>
    public abstract Task RemoveAsync(string reference);

    /// <summary>Runs the program, apart from the settings and logins of who runs the tests.</summary>
    protected Task<Finished> RunAsync(params IEnumerable<string> arguments) => RunProgramAsync(Name, arguments);

    /// <summary>Runs another program that the client needs, the same way.</summary>
    protected Task<Finished> RunProgramAsync(string program, IEnumerable<string> arguments) => Child.RunAsync($"/usr/bin/{program}", arguments, new Dictionary<string, string?>
    {
        ["HOME"] = folder.Path,
        ["XDG_RUNTIME_DIR"] = folder.Path,
        ["DOCKER_BUILDKIT"] = "0",
    });
}
