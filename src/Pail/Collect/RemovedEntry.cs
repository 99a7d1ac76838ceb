using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Oci;

namespace Pail.Collect;

/// <summary>What is kept of a tag or manifest that was removed: enough to bring it back, and to know what must stay for that.</summary>
/// <param name="Manifest">The manifest's bytes.</param>
/// <param name="MediaType">What it was served as.</param>
/// <param name="By">Who removed it, as far as is known.</param>
/// <param name="Tags">The tags that went with a manifest.</param>
internal sealed record RemovedEntry(byte[] Manifest, string MediaType, string? By, IReadOnlyList<string>? Tags)
{
    /// <summary>What must stay while it can be brought back.</summary>
    public IReadOnlyList<Link> Links => [new(LinkKind.Manifest, Digest.Of(Manifest)), .. Link.Read(Manifest, MediaType)?.Links ?? []];

    /// <summary>Reads what was kept; null if it is damaged.</summary>
    public static RemovedEntry? Read(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes.Span, RemovedJson.Default.RemovedEntry) is { Manifest: not null, MediaType: not null } entry ? entry : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, RemovedJson.Default.RemovedEntry);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RemovedEntry))]
internal sealed partial class RemovedJson : JsonSerializerContext;
