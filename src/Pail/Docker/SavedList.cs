using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.Oci;

namespace Pail.Docker;

/// <summary>One image that <c>docker save</c> wrote.</summary>
/// <param name="Config">The path of its config.</param>
/// <param name="Layers">The paths of its layers.</param>
/// <param name="Names">What it is called, each with its tag; none for an image saved by its id.</param>
internal sealed record SavedEntry(string Config, IReadOnlyList<string> Layers, IReadOnlyList<string> Names);

/// <summary>The <c>manifest.json</c> of <c>docker save</c>: the images of an archive. Source: moby, image/tarexport.</summary>
internal sealed class SavedList
{
    /// <summary>Its path. Since Docker 1.10; before, archives had none.</summary>
    public const string Path = "manifest.json";

    private readonly string _name;

    private SavedList(string name, IReadOnlyList<SavedEntry> entries) => (_name, Entries) = (name, entries);

    /// <summary>The images, in order.</summary>
    public IReadOnlyList<SavedEntry> Entries { get; }

    /// <summary>Reads it; null stands for an empty one.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is none.</exception>
    public static SavedList Parse(string name, byte[]? bytes)
    {
        try
        {
            using var document = JsonText.Parse(bytes ?? "[]"u8.ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Array)
                throw new FormatException("it is not a list of images");
            return new(name, [.. document.RootElement.EnumerateArray().Select(Entry)]);
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadContent, $"{name}: {Path} can't be used: {JsonText.Why(e)}.", e);
        }
    }

    /// <summary>The bytes of one that lists an image.</summary>
    /// <param name="entry">The image.</param>
    public static byte[] Of(SavedEntry entry) => Encoding.UTF8.GetBytes(new JsonArray(new JsonObject
    {
        ["Config"] = entry.Config,
        ["RepoTags"] = entry.Names.Count == 0 ? null : Array(entry.Names),
        ["Layers"] = Array(entry.Layers),
    }).ToJsonString());

    /// <summary>The image called so, or at that place if <paramref name="image"/> is <c>@N</c>; the only one if nothing is named.</summary>
    /// <exception cref="PailException">There is none (<see cref="Failure.NotFound"/>), or several (<see cref="Failure.BadInput"/>); the message lists those there are.</exception>
    public SavedEntry Pick(string? image)
    {
        List<SavedEntry> found = image switch
        {
            null => [.. Entries],
            ['@', .. var place] => int.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at < Entries.Count ? [Entries[at]] : [],
            _ => Called(DockerName.Whole(DockerName.WithTag(image))) is { Count: > 0 } exact ? exact : Called($"localhost/{DockerName.WithTag(image)}"),
        };
        return found.Count switch
        {
            1 => found[0],
            0 when Entries.Count == 0 => throw new PailException(Failure.NotFound, $"{_name} holds no image."),
            0 => throw new PailException(Failure.NotFound, $"{_name} has no image {SafeText.OneLine(image)}; it has {List()}."),
            _ when image is null => throw new PailException(Failure.BadInput, $"{_name} holds {found.Count} images; add ':' and one of {List()}."),
            _ => throw new PailException(Failure.BadInput, $"{_name} has {found.Count} images called {SafeText.OneLine(image)}; add ':@N', its place among {List()}."),
        };
    }

    // Podman calls what it builds "localhost/app:1", also where "app:1" was asked for.
    private List<SavedEntry> Called(string wholeName) => [.. Entries.Where(entry => entry.Names.Select(DockerName.Whole).Contains(wholeName))];

    // As the entries of the archive are; archives packed by hand, or on Windows, write "./config.json" and "layer\\layer.tar".
    private static string Cleaned(string path) => string.Join('/', path.Replace('\\', '/').Split('/').Where(part => part is not ("" or ".")));

    // Those without a name by their place, as they are asked for.
    private string List()
    {
        var names = Entries.SelectMany((entry, place) => entry.Names.Count == 0 ? [$"@{place}"] : entry.Names).ToList();
        var shown = names.Take(20).Select(name => SafeText.OneLine(name));
        return string.Join(", ", names.Count > 20 ? shown.Append($"{names.Count - 20} more") : shown);
    }

    private static JsonArray Array(IReadOnlyList<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);

    private static SavedEntry Entry(JsonElement image)
    {
        var reader = new ManifestReader(image);
        return new(Cleaned(reader.Text("Config") ?? throw new FormatException("an image has no Config")), [.. reader.Texts("Layers").Select(Cleaned)], reader.Texts("RepoTags"));
    }
}
