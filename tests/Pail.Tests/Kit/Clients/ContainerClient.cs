using Pail.Tests.Images;

namespace Pail.Tests.Kit.Clients;

/// <summary>A program that pushes images to registries and pulls them, with storage of its own in a folder of the test.</summary>
internal abstract class ContainerClient(TestFolder folder, Machine machine)
{
    /// <summary>What the client keeps is in here.</summary>
    protected TestFolder Folder { get; } = folder;

    /// <summary>The certificate of the authority that registries are checked with, over TLS; null for plain HTTP. Engines take any on loopback.</summary>
    public string? Authority { get; set; }

    /// <summary>Whether the client checks the registry's certificate, as options say it.</summary>
    protected string Checks => Authority is null ? "false" : "true";

    /// <summary>The name of the program.</summary>
    public abstract string Name { get; }

    /// <summary>Every client there is: those of this machine, then those of Debian 13.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["docker", "podman", "skopeo", "buildah", "ctr", "docker 26", "docker 26 containerd", "podman 5", "skopeo 1.18", "buildah 1.39", "ctr 1.7"];

    /// <summary>The client of this name.</summary>
    public static ContainerClient Of(string name, TestFolder folder) => name switch
    {
        "podman" or "buildah" => new Podman(folder, name),
        "podman 5" => new Podman(folder, "podman", Machine.Debian13),
        "buildah 1.39" => new Podman(folder, "buildah", Machine.Debian13),
        "skopeo" => new Skopeo(folder),
        "skopeo 1.18" => new Skopeo(folder, Machine.Debian13),
        "ctr" => new Ctr(folder, Engine.Docker),
        "ctr 1.7" => new Ctr(folder, Engine.Docker26),
        _ => new DockerCli(folder, Engine.Named(name)),
    };

    /// <summary>Logs in to a registry, as people do; what is pushed and pulled from then on is as that user.</summary>
    public abstract Task<Finished> LoginAsync(string host, string user, string password);

    /// <summary>Pushes an image, and forgets it.</summary>
    /// <param name="layout">An OCI layout with the image alone.</param>
    /// <param name="reference">Where to.</param>
    public abstract Task PushAsync(TestLayout layout, string reference);

    /// <summary>Pulls an image, and forgets it when asked so by <see cref="RemoveAsync"/>.</summary>
    public abstract Task PullAsync(string reference);

    /// <summary>The digest of the config the pulled image has: every client checks all digests on the way there.</summary>
    public abstract Task<string> ConfigDigestAsync(string reference);

    /// <summary>Removes the image from the client's storage.</summary>
    public abstract Task RemoveAsync(string reference);

    /// <summary>Runs the program, apart from the settings and logins of who runs the tests.</summary>
    protected Task<Finished> RunAsync(params IEnumerable<string> arguments) => RunProgramAsync(Name, arguments);

    /// <summary>Runs another program that the client needs, the same way.</summary>
    protected Task<Finished> RunProgramAsync(string program, IEnumerable<string> arguments) => machine.RunAsync($"/usr/bin/{program}", arguments, new Dictionary<string, string?>
    {
        ["HOME"] = Folder.Path,
        ["XDG_RUNTIME_DIR"] = Folder.Path,
        ["SSL_CERT_FILE"] = Authority ?? Environment.GetEnvironmentVariable("SSL_CERT_FILE"),
        // Here the plugin for it may be missing, so the classic builder does it.
        ["DOCKER_BUILDKIT"] = machine == Machine.Here ? "0" : "1",
    });
}
