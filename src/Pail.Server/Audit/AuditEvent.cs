using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pail.Server.Audit;

/// <summary>Something that an auditor wants to know of. No secret is ever in it: names are of users and robots there are, and what was asked for has been parsed.</summary>
/// <param name="Time">When.</param>
/// <param name="Kind"><c>push</c>, <c>delete</c>, <c>login-failed</c>, <c>denied</c>, <c>rules</c>, <c>users</c> or <c>lost</c>.</param>
internal sealed record AuditEvent(DateTimeOffset Time, string Kind)
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The id of the request, as in the log and its answer.</summary>
    public string? Id { get; init; }

    /// <summary>The address of the client, as far as trusted proxies tell it.</summary>
    public string? Client { get; init; }

    /// <summary>The subject; null for none, or for a name that nobody has.</summary>
    public string? User { get; init; }

    /// <summary>What the client calls itself.</summary>
    public string? Agent { get; init; }

    /// <summary>The repository.</summary>
    public string? Repository { get; init; }

    /// <summary>The tag or digest that was asked for.</summary>
    public string? Reference { get; init; }

    /// <summary>The digest of what was pushed.</summary>
    public string? Digest { get; init; }

    /// <summary>The status of the answer.</summary>
    public int? Status { get; init; }

    /// <summary>What else there is to say.</summary>
    public string? Detail { get; init; }

    /// <summary>Writes it as a line of JSON; what is null is left out.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        using (var json = new Utf8JsonWriter(output, Plain))
        {
            json.WriteStartObject();
            json.WriteString("time", Time.UtcDateTime);
            json.WriteString("event", Kind);
            foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[("id", Id), ("client", Client), ("user", User), ("agent", Agent), ("repository", Repository), ("reference", Reference), ("digest", Digest), ("detail", Detail)])
                if (value is { Length: > 0 })
                    json.WriteString(name, value);
            if (Status is { } status)
                json.WriteNumber("status", status);
            json.WriteEndObject();
        }
        output.Write("\n"u8);
    }
}
