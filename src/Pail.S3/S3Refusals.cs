using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Pail.S3;

/// <summary>Reads what a store says in an error response.</summary>
internal static class S3Refusals
{
    private const int LongestError = 64 * 1024;

    /// <summary>Reads the error body, which HEAD has none of and a proxy writes in HTML; never more than 64 KiB of it.</summary>
    public static async Task<Refusal> ReadAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var error = await BodyAsync(response, cancel);
        return new((int)response.StatusCode, error?.Element("Code")?.Value ?? "")
        {
            Message = error?.Element("Message")?.Value ?? "",
            Region = error?.Element("Region")?.Value ?? Header(response, "x-amz-bucket-region"),
            RetryAfter = ParseRetryAfter(Header(response, "Retry-After")),
        };
    }

    /// <summary>A number of seconds or an HTTP date. Source: RFC 9110, 10.2.3.</summary>
    public static TimeSpan? ParseRetryAfter(string? text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            return TimeSpan.FromSeconds(seconds);
        // Larger than any number kept here: longer than anybody waits.
        if (text is { Length: > 0 } && text.All(char.IsAsciiDigit))
            return TimeSpan.FromSeconds(int.MaxValue);
        if (!DateTimeOffset.TryParseExact(text, "r", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            return null;
        var wait = time - TimeProvider.System.GetUtcNow();
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    /// <summary>A header of the response or its content, as it was written.</summary>
    public static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.NonValidated.TryGetValues(name, out var values) || response.Content.Headers.NonValidated.TryGetValues(name, out values) ? values.ToString() : null;

    private static async Task<XElement?> BodyAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        if (response.RequestMessage?.Method == HttpMethod.Head)
            return null;
        var buffer = new byte[Math.Min(response.Content.Headers.ContentLength ?? LongestError, LongestError)];
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancel);
            var read = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
            if (read == 0)
                return null;
            using var xml = XmlReader.Create(new MemoryStream(buffer, 0, read), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
            var root = XElement.Load(xml);
            return root.Name.LocalName == "Error" ? WithoutNamespaces(root) : null;
        }
        catch (Exception e) when (e is XmlException or IOException or HttpRequestException)
        {
            // The status alone has to do: what a proxy answers, or an error that broke off half-way.
            return null;
        }
    }

    // Some stores put S3's namespace on their errors, S3 itself does not.
    private static XElement WithoutNamespaces(XElement error) =>
        new("Error", error.Elements().Select(child => new XElement(child.Name.LocalName, child.Value)));
}
