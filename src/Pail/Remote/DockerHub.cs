namespace Pail.Remote;

/// <summary>The names of Docker Hub.</summary>
internal static class DockerHub
{
    /// <summary>In images' names.</summary>
    public const string Name = "docker.io";

    /// <summary>Its API's host.</summary>
    public const string Api = "registry-1.docker.io";

    /// <summary>The hosts that configuration files mean it by.</summary>
    public static readonly IReadOnlyList<string> Names = [Name, "index.docker.io", Api];

    /// <summary>In Docker's config.json.</summary>
    public const string ConfigKey = "https://index.docker.io/v1/";
}
