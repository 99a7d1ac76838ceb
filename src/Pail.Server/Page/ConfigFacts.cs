using System.Globalization;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Server.Page;

/// <summary>What the config of an image says. Source: OCI image-spec, config.md; what is not of the form it states is left out.</summary>
internal sealed record ConfigFacts
{
    private const int Most = 5000;

    /// <summary>Its platform.</summary>
    public string? Platform { get; private init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset? Created { get; private init; }

    /// <summary>How it runs: names and values.</summary>
    public IReadOnlyList<(string Name, string Value)> Run { get; private init; } = [];

    /// <summary>Its environment.</summary>
    public IReadOnlyList<(string Name, string Value)> Environment { get; private init; } = [];

    /// <summary>Its labels.</summary>
    public IReadOnlyList<(string Name, string Value)> Labels { get; private init; } = [];

    /// <summary>The steps it was made by, the first one first.</summary>
    public IReadOnlyList<HistoryStep> History { get; private init; } = [];

    /// <summary>Reads a config.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is no JSON object.</exception>
    public static ConfigFacts Read(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var document = JsonText.Parse(bytes);
            var root = document.RootElement;
            var config = Property(root, "config") ?? default;
            return new()
            {
                Platform = Text(root, "os") is { Length: > 0 } os && Text(root, "architecture") is { Length: > 0 } architecture ? new Platform(os, architecture, Text(root, "variant") is { Length: > 0 } variant ? variant : null).ToString() : null,
                Created = DateTimeOffset.TryParse(Text(root, "created"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var created) ? created : null,
                Run = [.. RunOf(root, config).Where(pair => pair.Value.Length > 0)],
                Environment = [.. Texts(config, "Env").Select(variable => variable.Split('=', 2)).Select(pair => (pair[0], pair.Length > 1 ? pair[1] : ""))],
                Labels = [.. Members(config, "Labels")],
                History = [.. Items(root, "history").Where(step => step.ValueKind == JsonValueKind.Object).Select(StepOf)],
            };
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadContent, $"the config can't be used: {JsonText.Why(e)}.", e);
        }
    }

    private static IEnumerable<(string Name, string Value)> RunOf(JsonElement root, JsonElement config)
    {
        yield return ("Entrypoint", Words(Texts(config, "Entrypoint")));
        yield return ("Command", Words(Texts(config, "Cmd")));
        yield return ("User", Text(config, "User") ?? "");
        yield return ("Working directory", Text(config, "WorkingDir") ?? "");
        yield return ("Ports", string.Join(", ", Members(config, "ExposedPorts").Select(port => port.Name)));
        yield return ("Volumes", string.Join(", ", Members(config, "Volumes").Select(volume => volume.Name)));
        yield return ("Stop signal", Text(config, "StopSignal") ?? "");
        yield return ("Author", Text(root, "author") ?? "");
    }

    private static HistoryStep StepOf(JsonElement step) => new(
        Text(step, "created_by") is { Length: > 0 } command ? command : Text(step, "comment") ?? "",
        DateTimeOffset.TryParse(Text(step, "created"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null,
        Property(step, "empty_layer") is { ValueKind: JsonValueKind.True });

    private static string Words(IEnumerable<string> words) => string.Join(' ', words.Select(word => word.Length == 0 || word.Contains(' ', StringComparison.Ordinal) ? $"'{word}'" : word));

    private static JsonElement? Property(JsonElement element, string name) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    private static string? Text(JsonElement element, string name) => Property(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static IEnumerable<JsonElement> Items(JsonElement element, string name) => Property(element, name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().Take(Most) : [];

    private static IEnumerable<string> Texts(JsonElement element, string name) => Items(element, name).Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!);

    private static IEnumerable<(string Name, string Value)> Members(JsonElement element, string name) => Property(element, name) is { ValueKind: JsonValueKind.Object } all
        ? all.EnumerateObject().Take(Most).Select(member => (member.Name, member.Value.ValueKind == JsonValueKind.String ? member.Value.GetString()! : ""))
        : [];
}

/// <summary>A step by which an image was made.</summary>
/// <param name="Command">The command.</param>
/// <param name="Created">When it ran.</param>
/// <param name="IsEmpty">True if it made no layer.</param>
internal sealed record HistoryStep(string Command, DateTimeOffset? Created, bool IsEmpty);
