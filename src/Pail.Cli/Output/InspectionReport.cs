using System.Globalization;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Cli.Output;

/// <summary>Makes an <see cref="Inspection"/> of a manifest and a config, and writes it for people.</summary>
internal static class InspectionReport
{
    public static Inspection Of(string image, Manifest manifest) => new(image, manifest.Digest.ToString(), manifest.MediaType, manifest.Size)
    {
        ArtifactType = manifest.ArtifactType,
        TotalSize = manifest.IsIndex ? null : manifest.Layers.Sum(layer => layer.Size) + (manifest.Config?.Size ?? 0),
        Config = manifest.Config is { } config ? Blob(config) : null,
        Layers = manifest.IsIndex ? null : [.. manifest.Layers.Select(Blob)],
        Manifests = manifest.IsIndex ? [.. manifest.Manifests.Select(Blob)] : null,
        Subject = manifest.Subject is { } subject ? Blob(subject) : null,
        Annotations = manifest.Annotations.Count == 0 ? null : manifest.Annotations,
    };

    /// <summary>Adds what the config says. Source: OCI image-spec, config.md; what is not of the form it states is left out.</summary>
    public static Inspection WithConfig(Inspection inspection, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var document = JsonText.Parse(bytes);
            var root = document.RootElement;
            var run = Property(root, "config");
            return inspection with
            {
                Platform = new[] { Text(root, "os"), Text(root, "architecture"), Text(root, "variant") } is [{ } os, { } arch, var variant] ? new Platform(os, arch, variant).ToString() : null,
                Created = DateTimeOffset.TryParse(Text(root, "created"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var created) ? created : null,
                Run = run is not { ValueKind: JsonValueKind.Object } config ? null : new InspectedRun
                {
                    User = Text(config, "User") is { Length: > 0 } user ? user : null,
                    Entrypoint = Texts(config, "Entrypoint"),
                    Cmd = Texts(config, "Cmd"),
                    WorkingDir = Text(config, "WorkingDir") is { Length: > 0 } folder ? folder : null,
                    Env = Texts(config, "Env"),
                    ExposedPorts = Property(config, "ExposedPorts") is { ValueKind: JsonValueKind.Object } ports ? [.. ports.EnumerateObject().Select(port => port.Name)] : null,
                    Labels = Property(config, "Labels") is { ValueKind: JsonValueKind.Object } labels
                        ? labels.EnumerateObject().Where(label => label.Value.ValueKind == JsonValueKind.String).DistinctBy(label => label.Name).ToDictionary(label => label.Name, label => label.Value.GetString()!)
                        : null,
                },
            };
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadContent, $"{inspection.Image}: the config {inspection.Config?.Digest} can't be used: {JsonText.Why(e)}.", e);
        }
    }

    /// <summary>Writes it as lines, with what strangers wrote made harmless.</summary>
    /// <param name="image">What to write.</param>
    /// <param name="lines">Where to.</param>
    /// <param name="width">How many characters a line takes: where a digest and its size don't fit, digests are cut.</param>
    public static void Write(Inspection image, TextWriter lines, int width)
    {
        List<string[]> rows = [["image", image.Image], ["digest", image.Digest], ["type", image.MediaType]];
        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
                rows.Add([name, SafeText.OneLine(value, 2000)]);
        }
        Add("artifact", image.ArtifactType);
        Add("platform", image.Platform);
        Add("created", image.Created?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture));
        if (image is { TotalSize: { } total, Layers: { } all })
            Add("size", $"{ByteSize.Format(total)} in {all.Count} {(all.Count == 1 ? "layer" : "layers")} and config");
        Add("subject", image.Subject?.Digest);
        Add("user", image.Run?.User);
        Add("entrypoint", Words(image.Run?.Entrypoint));
        Add("cmd", Words(image.Run?.Cmd));
        Add("workdir", image.Run?.WorkingDir);
        Add("ports", image.Run?.ExposedPorts is { } ports ? string.Join(" ", ports) : null);
        foreach (var variable in image.Run?.Env ?? [])
            Add("env", variable);
        foreach (var (name, value) in image.Run?.Labels ?? new Dictionary<string, string>())
            Add("label", $"{name}={value}");
        foreach (var (name, value) in image.Annotations ?? new Dictionary<string, string>())
            Add("annotation", $"{name}={value}");
        Columns.Write(lines, rows);
        WriteBlobs("layers", image.Layers, lines, width);
        WriteBlobs("manifests", image.Manifests, lines, width);
    }

    private static void WriteBlobs(string title, IReadOnlyList<InspectedBlob>? blobs, TextWriter lines, int width)
    {
        if (blobs is not { Count: > 0 })
            return;
        lines.WriteLine();
        lines.WriteLine(title);
        string Shown(string digest) => width >= 130 ? digest : $"{digest[..19]}…";
        Columns.Write(lines, [.. blobs.Select(blob => new[] { Shown(blob.Digest), ByteSize.Format(blob.Size), SafeText.OneLine(blob.Platform ?? blob.ArtifactType ?? blob.MediaType) })], new HashSet<int> { 1 }, indent: 2);
    }

    private static InspectedBlob Blob(Descriptor blob) => new(blob.Digest.ToString(), blob.MediaType, blob.Size, blob.Platform?.ToString(), blob.ArtifactType);

    private static string? Words(IReadOnlyList<string>? words) => words is { Count: > 0 } ? string.Join(" ", words.Select(word => word.Contains(' ', StringComparison.Ordinal) || word.Length == 0 ? $"'{word}'" : word)) : null;

    private static JsonElement? Property(JsonElement element, string name) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    private static string? Text(JsonElement element, string name) => Property(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static string[]? Texts(JsonElement element, string name) => Property(element, name) is { ValueKind: JsonValueKind.Array } list
        ? [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)]
        : null;
}
