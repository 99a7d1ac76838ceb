using System.Text;
using System.Text.Json.Nodes;

namespace Pail.Remote.Credentials;

/// <summary>One entry of <c>auths</c>: read and written as docker does. Source: docker/cli, <c>AuthConfig</c>.</summary>
internal static class CredentialEntry
{
    /// <summary>Returns what an entry holds; null for nothing that could prove anything.</summary>
    /// <param name="node">The entry.</param>
    /// <param name="origin">Where it stands, for messages.</param>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: its <c>auth</c> is no base64.</exception>
    public static Credential? Read(JsonNode? node, string origin)
    {
        if (node is not JsonObject entry)
            return null;
        var (user, password) = (Text(entry, "username") ?? "", Text(entry, "password"));
        if (Text(entry, "auth") is { } auth)
        {
            var parts = Decode(auth, origin).Split(':', 2);
            (user, password) = (parts[0], parts.Length > 1 ? parts[1].TrimEnd('\0') : null);
        }
        var (token, ready) = (Text(entry, "identitytoken"), Text(entry, "registrytoken"));
        return string.IsNullOrEmpty(password) && token is null && ready is null
            ? null
            : new Credential(user, string.IsNullOrEmpty(password) ? null : password) { IdentityToken = token, RegistryToken = ready, Origin = origin };
    }

    /// <summary>Makes an entry.</summary>
    public static JsonObject Write(Credential credential)
    {
        var entry = new JsonObject { ["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.User}:{credential.Password}")) };
        if (credential.IdentityToken is { } token)
            entry["identitytoken"] = token;
        return entry;
    }

    /// <summary>The text of a property, whose name may be in any case, as Go reads it; null if it is absent, empty or no text.</summary>
    public static string? Text(JsonObject of, string name) => Property(of, name).Value is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

    /// <summary>A property whose name may be in any case, as Go reads it; the name as it is if there is none.</summary>
    public static (string Name, JsonNode? Value) Property(JsonObject of, string name) =>
        of.TryGetPropertyValue(name, out var exact) ? (name, exact)
        : of.LastOrDefault(pair => pair.Key.Equals(name, StringComparison.OrdinalIgnoreCase)) is { Key: { } other } pair ? (other, pair.Value)
        : (name, null);

    // Also without its padding, and in the alphabet of addresses.
    private static string Decode(string auth, string origin)
    {
        var text = auth.Trim().TrimEnd('=').Replace('-', '+').Replace('_', '/');
        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '=')));
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, $"{origin}: an \"auth\" in it is no base64. 'pail login' makes a new one.", e);
        }
    }
}
