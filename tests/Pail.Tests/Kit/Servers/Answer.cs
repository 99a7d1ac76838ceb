using System.Text;
using System.Text.Json;

namespace Pail.Tests.Kit.Servers;

/// <summary>What a server answered, read whole.</summary>
internal sealed record Answer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);

    public string Location => this["Location"] ?? throw new InvalidOperationException($"{Status} without Location: {Text}");

    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    /// <summary>The code of its one error; null if it has no body.</summary>
    public string? Code => Body.Length == 0 ? null : Json.GetProperty("errors")[0].GetProperty("code").GetString();

    /// <summary>Itself, if it has this status.</summary>
    public Answer Is(int status)
    {
        Assert.True(Status == status, $"expected {status}, got {Status}: {Text}");
        return this;
    }

    /// <summary>Itself, if it is this error in the form of the specification.</summary>
    public Answer Is(int status, string code)
    {
        Is(status);
        Assert.Equal("application/json", this["Content-Type"]);
        Assert.Equal(code, Code);
        Assert.NotEmpty(Json.GetProperty("errors")[0].GetProperty("message").GetString()!);
        return this;
    }
}
