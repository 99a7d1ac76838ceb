using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Pail.Server.Events;

/// <summary>Writes an event as webhooks get it, and signs it.</summary>
internal static class EventBody
{
    /// <summary>The type of the body.</summary>
    public static string TypeOf(EventFormat format) =>
        format == EventFormat.CloudEvents ? "application/cloudevents+json; charset=utf-8" : "application/vnd.docker.distribution.events.v1+json";

    /// <summary>Writes an event.</summary>
    public static byte[] Write(RegistryEvent said, EventFormat format)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(output))
            if (format == EventFormat.CloudEvents)
                WriteCloudEvent(json, said);
            else
                WriteEnvelope(json, said);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The value of <c>webhook-signature</c>. Source: Standard Webhooks, "Signature scheme": HMAC-SHA256 of id, time and body.</summary>
    public static string Sign(byte[] secret, string id, long time, ReadOnlySpan<byte> body) =>
        $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, (byte[])[.. Encoding.UTF8.GetBytes($"{id}.{time}."), .. body]))}";

    // Source: CNCF Distribution, "Notifications", "Envelope".
    private static void WriteEnvelope(Utf8JsonWriter json, RegistryEvent said)
    {
        json.WriteStartObject();
        json.WriteStartArray("events");
        json.WriteStartObject();
        json.WriteString("id", said.Id);
        json.WriteString("timestamp", said.Time);
        json.WriteString("action", said.Action);
        json.WriteStartObject("target");
        json.WriteString("mediaType", said.MediaType);
        json.WriteNumber("size", said.Size);
        json.WriteNumber("length", said.Size);
        json.WriteString("digest", said.Digest);
        json.WriteString("repository", said.Repository);
        json.WriteString("url", $"{said.Origin}/v2/{said.Repository}/manifests/{said.Digest}");
        Text(json, "tag", said.Tag);
        json.WriteEndObject();
        json.WriteStartObject("request");
        Text(json, "id", said.RequestId);
        Text(json, "addr", said.Client);
        Text(json, "host", HostOf(said));
        Text(json, "method", said.Method);
        Text(json, "useragent", said.UserAgent);
        json.WriteEndObject();
        json.WriteStartObject("actor");
        Text(json, "name", said.Actor);
        json.WriteEndObject();
        json.WriteStartObject("source");
        Text(json, "addr", HostOf(said));
        Text(json, "instanceID", said.Replica);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // Source: CloudEvents 1.0.2, "JSON Event Format".
    private static void WriteCloudEvent(Utf8JsonWriter json, RegistryEvent said)
    {
        json.WriteStartObject();
        json.WriteString("specversion", "1.0");
        json.WriteString("id", said.Id);
        json.WriteString("source", $"{said.Origin}/v2/{said.Repository}");
        json.WriteString("type", $"pail.image.{said.Action}");
        json.WriteString("subject", said.Tag is null ? $"{said.Repository}@{said.Digest}" : $"{said.Repository}:{said.Tag}@{said.Digest}");
        json.WriteString("time", said.Time);
        json.WriteString("datacontenttype", "application/json");
        json.WriteStartObject("data");
        json.WriteString("action", said.Action);
        json.WriteString("repository", said.Repository);
        Text(json, "tag", said.Tag);
        json.WriteString("digest", said.Digest);
        json.WriteString("mediaType", said.MediaType);
        json.WriteNumber("size", said.Size);
        Text(json, "actor", said.Actor);
        Text(json, "requestId", said.RequestId);
        Text(json, "client", said.Client);
        Text(json, "userAgent", said.UserAgent);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string? HostOf(RegistryEvent said) => said.Origin is { } origin ? origin[(origin.IndexOf("://", StringComparison.Ordinal) + 3)..] : null;

    private static void Text(Utf8JsonWriter json, string name, string? value)
    {
        if (value is { Length: > 0 })
            json.WriteString(name, value);
    }
}
