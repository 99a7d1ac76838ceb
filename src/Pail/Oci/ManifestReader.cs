using System.Text.Json;

namespace Pail.Oci;

/// <summary>Reads the parts of a manifest that Pail needs, strictly; whatever else is in it is left alone.</summary>
internal readonly struct ManifestReader(JsonElement root)
{
    private static readonly string[] IndexHasNo = ["config", "layers", "fsLayers"];
    private static readonly string[] ImageHasNo = ["manifests", "fsLayers"];

    private readonly JsonElement _root = root.ValueKind == JsonValueKind.Object ? root : throw new FormatException("it is not a JSON object");

    /// <summary>The type: what the manifest says of itself, which must agree with what it came with; else what it came with; else what its fields show.</summary>
    /// <param name="stated">The type it came with, if any.</param>
    /// <param name="isProven">True if a digest proves the manifest: then its own type goes before what it came with.</param>
    public string MediaType(string? stated, bool isProven = false)
    {
        if (_root.TryGetProperty("schemaVersion", out var version) && version is { ValueKind: JsonValueKind.Number } && version.TryGetInt32(out var old) && old == 1)
            throw new FormatException("schemaVersion is 1: Docker's schema 1, which Docker itself no longer pulls; pull it with an old client once and push it again, as schema 2 or OCI");
        if (version.ValueKind != JsonValueKind.Undefined && (version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out var number) || number != 2))
            throw new FormatException("schemaVersion is not 2");
        var own = Text("mediaType");
        var came = stated?.Split(';')[0].Trim();
        if (came is "" or MediaTypes.OctetStream or MediaTypes.Json)
            came = null;
        if (isProven && (MediaTypes.IsManifest(own) || !MediaTypes.IsManifest(came)))
            came = null;
        if (own is not null && came is not null && own != came)
            throw new FormatException($"it says it is {SafeText.OneLine(own)}, but came as {SafeText.OneLine(came)}");
        var type = own ?? came ?? (Has("manifests") ? MediaTypes.OciIndex : MediaTypes.OciManifest);
        if (!MediaTypes.IsManifest(type))
            throw new FormatException($"the media type {SafeText.OneLine(type)} is none of the OCI and Docker manifest types");
        ThrowIfAmbiguous(MediaTypes.IsIndex(type));
        return type;
    }

    // One digest must not stand for two images, one for clients that go by a media type and one for those that go by the fields.
    // Source: CVE-2021-41190, GHSA-mc8v-mgrf-8f4m.
    private void ThrowIfAmbiguous(bool isIndex)
    {
        foreach (var field in isIndex ? IndexHasNo : ImageHasNo)
            if (Has(field))
                throw new FormatException($"as {(isIndex ? "an index" : "the manifest of an image")} it can't have {field}: other clients could take it for another image (CVE-2021-41190)");
    }

    // In any case of letters, as clients written in Go read it.
    private bool Has(string name) => _root.EnumerateObject().Any(property => property.Value.ValueKind != JsonValueKind.Null && property.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    public string? Text(string name) => !_root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null
        ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString() : throw new FormatException($"{name} is not a string");

    /// <summary>Reads a list of texts; empty if there is none.</summary>
    public IReadOnlyList<string> Texts(string name) => !_root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null
        ? []
        : value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => item.GetString()!)]
            : throw new FormatException($"{name} is not a list of texts");

    /// <summary>Reads an object; null if there is none.</summary>
    public ManifestReader? Object(string name) => !_root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null
        ? null
        : value.ValueKind == JsonValueKind.Object ? new ManifestReader(value) : throw new FormatException($"{name} is not an object");

    public Descriptor Required(string name) => Optional(name) ?? throw new FormatException($"it has no {name}");

    public Descriptor? Optional(string name) =>
        !_root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null : Describe(value, name);

    /// <summary>Reads a list of descriptors.</summary>
    /// <param name="name">The field.</param>
    /// <param name="untyped">True to take descriptors without a media type, which is then empty.</param>
    public IReadOnlyList<Descriptor> List(string name, bool untyped = false)
    {
        if (!_root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            throw new FormatException($"{name} is not a list");
        var list = new List<Descriptor>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
            list.Add(Describe(item, name, untyped));
        return list;
    }

    public IReadOnlyDictionary<string, string> Annotations() => Map(_root);

    private static Descriptor Describe(JsonElement value, string where, bool untyped = false)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new FormatException($"{where} is not a descriptor");
        var inner = new ManifestReader(value);
        var size = value.TryGetProperty("size", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out var bytes) && bytes >= 0
            ? bytes
            : throw new FormatException($"{where} has a descriptor without a valid size");
        return new Descriptor(inner.Text("mediaType") ?? (untyped ? "" : null) ?? throw new FormatException($"{where} has a descriptor without a media type"), Digest.Parse(inner.Text("digest")), size)
        {
            Platform = PlatformOf(value),
            ArtifactType = inner.Text("artifactType"),
            Annotations = Map(value),
            Urls = Urls(value),
        };
    }

    private static Platform? PlatformOf(JsonElement value)
    {
        if (!value.TryGetProperty("platform", out var platform) || platform.ValueKind != JsonValueKind.Object)
            return null;
        var inner = new ManifestReader(platform);
        // One without both says nothing: its config does.
        return inner.Text("os") is { Length: > 0 } os && inner.Text("architecture") is { Length: > 0 } architecture
            ? new Platform(os, architecture, inner.Text("variant") is { Length: > 0 } variant ? variant : null, inner.Text("os.version"))
            : null;
    }

    private static Dictionary<string, string> Map(JsonElement value)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (value.TryGetProperty("annotations", out var annotations) && annotations.ValueKind == JsonValueKind.Object)
            foreach (var pair in annotations.EnumerateObject())
                // Go reads null as "". What else is no string stays in the bytes, which are copied as they are.
                map[pair.Name] = pair.Value.ValueKind switch { JsonValueKind.String => pair.Value.GetString()!, JsonValueKind.Null => "", _ => pair.Value.GetRawText() };
        return map;
    }

    private static IReadOnlyList<string> Urls(JsonElement value) =>
        value.TryGetProperty("urls", out var urls) && urls.ValueKind == JsonValueKind.Array
            ? [.. urls.EnumerateArray().Where(url => url.ValueKind == JsonValueKind.String).Select(url => url.GetString()!)]
            : [];
}
