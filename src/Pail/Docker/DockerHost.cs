using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Docker;

/// <summary>Finds where the Docker Engine listens, as Docker's own command does.</summary>
internal static class DockerHost
{
    private const string Default = "unix:///var/run/docker.sock";

    /// <summary>The address: DOCKER_HOST, else DOCKER_CONTEXT, else the context chosen by <c>docker context use</c>, else the usual socket.</summary>
    /// <param name="variable">Reads an environment variable.</param>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: the context named isn't there.</exception>
    public static string Find(Func<string, string?> variable)
    {
        var folder = Text(variable("DOCKER_CONFIG")) ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker");
        return Text(variable("DOCKER_HOST"))
            ?? ((Text(variable("DOCKER_CONTEXT")) ?? Read(Path.Combine(folder, "config.json"), "currentContext")) is { } context ? OfContext(folder, context) : Default);
    }

    private static string OfContext(string folder, string context)
    {
        if (context == "default")
            return Default;
        // Docker keeps a context in a folder called by the hash of its name.
        var id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(context)));
        return Read(Path.Combine(folder, "contexts", "meta", id, "meta.json"), "Endpoints", "docker", "Host")
            ?? throw new PailException(Failure.BadInput, $"Docker's context '{SafeText.OneLine(context)}' is not there or has no endpoint; 'docker context ls' lists them.");
    }

    // What can't be read says nothing: Docker's configuration is not ours to judge.
    private static string? Read(string file, params ReadOnlySpan<string> path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var value = document.RootElement;
            foreach (var name in path)
                if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
                    return null;
            return value.ValueKind == JsonValueKind.String ? Text(value.GetString()) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException || JsonText.IsFault(e))
        {
            return null;
        }
    }

    private static string? Text(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
