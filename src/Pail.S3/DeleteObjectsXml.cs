using System.Xml;
using System.Xml.Linq;

namespace Pail.S3;

/// <summary>The bodies of DeleteObjects. Source: Amazon S3 API, DeleteObjects.</summary>
internal static class DeleteObjectsXml
{
    private const string Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

    /// <summary>Asks for the removal of these keys; only errors are answered.</summary>
    public static byte[] Write(IEnumerable<string> keys)
    {
        using var bytes = new MemoryStream();
        using (var xml = XmlWriter.Create(bytes))
        {
            xml.WriteStartElement("Delete", Namespace);
            xml.WriteElementString("Quiet", Namespace, "true");
            foreach (var key in keys)
            {
                xml.WriteStartElement("Object", Namespace);
                xml.WriteElementString("Key", Namespace, key);
                xml.WriteEndElement();
            }
            xml.WriteEndElement();
        }
        return bytes.ToArray();
    }

    /// <summary>The errors in an answer; none if all were removed.</summary>
    /// <exception cref="XmlException">The bytes are not an answer to DeleteObjects.</exception>
    public static async Task<IReadOnlyList<(string Key, string Code, string Message)>> ReadErrorsAsync(Stream answer, CancellationToken cancel)
    {
        using var xml = XmlReader.Create(answer, new XmlReaderSettings { Async = true, DtdProcessing = DtdProcessing.Prohibit });
        var root = await XElement.LoadAsync(xml, LoadOptions.None, cancel);
        if (root.Name.LocalName != "DeleteResult")
            throw new XmlException($"'{root.Name.LocalName}' is not an answer to DeleteObjects");
        return [.. root.Elements().Where(error => error.Name.LocalName == "Error").Select(error => (Text(error, "Key"), Text(error, "Code"), Text(error, "Message")))];

        static string Text(XElement error, string name) => error.Elements().FirstOrDefault(child => child.Name.LocalName == name)?.Value ?? "";
    }
}
