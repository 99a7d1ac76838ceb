using System.Text.Json;
using Pail.Oci;

namespace Pail.Compare;

/// <summary>What one file of a database of packages says: all packages of its kind, or one.</summary>
/// <param name="Kind">Whose packages: dpkg, apk, python, npm or rpm.</param>
/// <param name="Packages">Their names and versions; null if Pail does not read it.</param>
internal sealed record PackageFile(string Kind, IReadOnlyList<(string Name, string Version)>? Packages)
{
    private const int MaxText = 200;
    private const long MaxWhole = 64 << 20;
    private const long MaxOne = 1 << 20;
    private const int MaxPackages = 100_000;

    private static readonly string[] OfRpm = ["rpmdb.sqlite", "Packages", "Packages.db"];

    /// <summary>Reads a file, if it is one of a database of packages; null for all others.</summary>
    /// <param name="path">Its path in the image.</param>
    /// <param name="size">Its size in bytes.</param>
    /// <param name="content">Its content.</param>
    /// <param name="cancel">Interrupts it.</param>
    public static async Task<PackageFile?> ReadAsync(string path, long size, Stream content, CancellationToken cancel)
    {
        var parts = path.Split('/');
        var (name, folder) = (parts[^1], parts.Length > 1 ? parts[^2] : "");
        if (path == "var/lib/dpkg/status")
            return await WholeAsync("dpkg", size, content, "Package: ", "Version: ", "Architecture: ", cancel);
        if (path.StartsWith("var/lib/dpkg/status.d/", StringComparison.Ordinal) && !name.EndsWith(".md5sums", StringComparison.Ordinal) && size <= MaxOne)
            return await OneAsync("dpkg", content, "Package: ", "Version: ", "Architecture: ", cancel);
        if (path is "lib/apk/db/installed" or "usr/lib/apk/db/installed")
            return await WholeAsync("apk", size, content, "P:", "V:", null, cancel);
        if ((parts is ["var", "lib", "rpm", _] or ["usr", "lib", "sysimage", "rpm", _]) && OfRpm.Contains(name))
            return new("rpm", null);
        if (size > MaxOne)
            return null;
        if ((name == "METADATA" && folder.EndsWith(".dist-info", StringComparison.Ordinal)) || (name == "PKG-INFO" && folder.EndsWith(".egg-info", StringComparison.Ordinal)) || name.EndsWith(".egg-info", StringComparison.Ordinal))
            return await OneAsync("python", content, "Name: ", "Version: ", null, cancel);
        return name == "package.json" && (parts is [.., "node_modules", _, _] || (parts is [.., "node_modules", ['@', ..], _, _])) ? await OfNpmAsync(content, cancel) : null;
    }

    private static async Task<PackageFile> WholeAsync(string kind, long size, Stream content, string name, string version, string? architecture, CancellationToken cancel) =>
        new(kind, size > MaxWhole || await StanzasAsync(content, name, version, architecture, MaxPackages + 1, cancel) is not { Count: <= MaxPackages } packages ? null : packages);

    private static async Task<PackageFile> OneAsync(string kind, Stream content, string name, string version, string? architecture, CancellationToken cancel) =>
        new(kind, await StanzasAsync(content, name, version, architecture, 1, cancel));

    // Fields a line each, an empty line behind each package. Of what dpkg lists, only what is installed counts.
    private static async Task<IReadOnlyList<(string, string)>> StanzasAsync(Stream content, string nameField, string versionField, string? architectureField, int limit, CancellationToken cancel)
    {
        List<(string, string)> found = [];
        var (name, version, architecture, isThere) = ("", "", "", true);
        using var lines = new StreamReader(content, leaveOpen: true);
        while (true)
        {
            var line = await lines.ReadLineAsync(cancel);
            if (string.IsNullOrEmpty(line))
            {
                if (name.Length > 0 && version.Length > 0 && isThere)
                    found.Add((architecture.Length > 0 ? $"{name}:{architecture}" : name, version));
                (name, version, architecture, isThere) = ("", "", "", true);
                if (line is null || found.Count == limit)
                    return found;
            }
            else if (line.StartsWith(nameField, StringComparison.Ordinal))
                name = SafeText.OneLine(line[nameField.Length..].Trim(), MaxText);
            else if (line.StartsWith(versionField, StringComparison.Ordinal))
                version = SafeText.OneLine(line[versionField.Length..].Trim(), MaxText);
            else if (architectureField is not null && line.StartsWith(architectureField, StringComparison.Ordinal))
                architecture = SafeText.OneLine(line[architectureField.Length..].Trim(), MaxText);
            else if (line.StartsWith("Status: ", StringComparison.Ordinal))
                isThere = line.EndsWith(" installed", StringComparison.Ordinal);
        }
    }

    private static async Task<PackageFile?> OfNpmAsync(Stream content, CancellationToken cancel)
    {
        try
        {
            using var document = await JsonDocument.ParseAsync(content, cancellationToken: cancel);
            return Text(document.RootElement, "name") is { Length: > 0 } name && Text(document.RootElement, "version") is { Length: > 0 } version
                ? new("npm", [(SafeText.OneLine(name, MaxText), SafeText.OneLine(version, MaxText))])
                : null;
        }
        catch (JsonException)
        {
            // Test data of packages holds such; npm does not take it for a package either.
            return null;
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
