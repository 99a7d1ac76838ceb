using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Server.Page;

/// <summary>Text that people can read in bytes of strangers.</summary>
internal static class ReadableContent
{
    private const int Most = 64 << 10;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Escaped where it is put into a page.
    private static readonly JsonWriterOptions Plain = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Returns the text; JSON is indented, and what an envelope of DSSE carries is shown in its place. Null if it is no text. Cut after 64 KiB.</summary>
    public static string? Of(byte[] bytes)
    {
        if (TextOf(bytes) is not { } text)
            return null;
        var shown = Unwrap(text) ?? text;
        return shown.Length > Most ? $"{shown[..Most]}\n… ({shown.Length - Most} more characters)" : shown;
    }

    /// <summary>Returns UTF-8 as text; null if it is none, or holds bytes that no text has. The last letter may be cut.</summary>
    public static string? TextOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Contains((byte)0))
            return null;
        for (var cut = 0; cut < 4 && cut <= bytes.Length; cut++)
            try
            {
                return Strict.GetString(bytes[..^cut]);
            }
            catch (DecoderFallbackException)
            {
                // A letter that was cut, or no text.
            }
        return null;
    }

    // Source: DSSE, "envelope.md": {"payload": BASE64, "payloadType", "signatures"}.
    private static string? Unwrap(string text)
    {
        try
        {
            using var document = JsonText.Parse(Encoding.UTF8.GetBytes(text));
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("payloadType", out _) && root.TryGetProperty("payload", out var payload) && payload.ValueKind == JsonValueKind.String
                && payload.TryGetBytesFromBase64(out var inner) && TextOf(inner) is { } carried
                ? $"{Indent(root)}\n\nIts payload:\n{Unwrap(carried) ?? carried}"
                : Indent(root);
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            return null;
        }
    }

    private static string Indent(JsonElement element)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Plain))
            element.WriteTo(json);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
