using System.Text.Json.Serialization;

namespace Pail.Server.Events;

/// <summary>Something that happened to an image, as it is kept in the bucket until each webhook has it.</summary>
/// <param name="Id">The same each time it is sent: receivers know by it what they have.</param>
/// <param name="Time">When.</param>
/// <param name="Action"><c>push</c>, <c>pull</c> or <c>delete</c>.</param>
/// <param name="Repository">Where.</param>
/// <param name="Tag">The tag; null where only a digest was named.</param>
/// <param name="Digest">The manifest.</param>
/// <param name="MediaType">Its type.</param>
/// <param name="Size">Its size in bytes.</param>
internal sealed record RegistryEvent(string Id, DateTimeOffset Time, string Action, string Repository, string? Tag, string Digest, string MediaType, long Size)
{
    /// <summary>Who did it; null without a login.</summary>
    public string? Actor { get; init; }

    /// <summary>The id of the request, as in the log.</summary>
    public string? RequestId { get; init; }

    /// <summary>The address of the client.</summary>
    public string? Client { get; init; }

    /// <summary>The method of the request.</summary>
    public string? Method { get; init; }

    /// <summary>What the client calls itself.</summary>
    public string? UserAgent { get; init; }

    /// <summary>The server as the client reached it: scheme and host.</summary>
    public string? Origin { get; init; }

    /// <summary>The server that saw it.</summary>
    public string? Replica { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(List<RegistryEvent>))]
internal sealed partial class EventJson : JsonSerializerContext;
