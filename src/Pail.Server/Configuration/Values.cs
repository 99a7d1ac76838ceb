using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Pail.Oci;

namespace Pail.Server.Configuration;

/// <summary>Reads the values of settings; what can't be read is a <see cref="FormatException"/> that says what is expected.</summary>
internal static class Values
{
    private const int MaxFileSize = 64 << 10;

    public static TimeSpan Time(string text, TimeSpan minimum, TimeSpan maximum)
    {
        var time = Duration.Parse(text);
        if (time < minimum)
            throw new FormatException($"at least {minimum.TotalSeconds} s are expected");
        return time <= maximum ? time : throw new FormatException($"at most {maximum.TotalHours}h are expected");
    }

    public static long Size(string text, long minimum)
    {
        var size = ByteSize.Parse(text);
        return size >= minimum ? size : throw new FormatException($"at least {minimum >> 20} MiB are expected");
    }

    public static int Count(string text, int minimum, int maximum) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum
            ? number
            : throw new FormatException($"a number from {minimum} to {maximum} is expected");

    public static decimal Price(string text) => decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var price) && price <= 1000
        ? price
        : throw new FormatException("US dollars are expected, such as 0.005");

    public static bool Truth(string text) => text.Trim().ToLowerInvariant() switch
    {
        "1" or "true" => true,
        "0" or "false" => false,
        _ => throw new FormatException("true or false is expected"),
    };

    public static string OneOf(string text, params ReadOnlySpan<string> words) =>
        words.Contains(text) ? text : throw new FormatException($"one of {string.Join(", ", words.ToArray())} is expected");

    public static string Url(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0
            ? text
            : throw new FormatException("http://HOST[:PORT] or https://HOST[:PORT] is expected, without credentials");

    /// <summary>An address that paths are added to.</summary>
    public static Uri Base(string text) => new Uri(Url(text)) is { Query: "", Fragment: "" } url
        ? url
        : throw new FormatException("http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH] is expected, without a query");

    /// <summary>The ID that a cloud gave a key.</summary>
    public static string KeyPair(string text) => text.Length > 0 && text.All(char.IsAsciiLetterOrDigit)
        ? text
        : throw new FormatException("the ID of a key is expected, letters and digits");

    /// <summary>What a listen address means; a name for loopback means both its addresses.</summary>
    public static IEnumerable<IPEndPoint> Endpoints(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon >= 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= IPEndPoint.MaxPort)
            switch (text[..colon])
            {
                case "*":
                    return [new(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port)];
                case "localhost":
                    return Socket.OSSupportsIPv6 ? [new(IPAddress.Loopback, port), new(IPAddress.IPv6Loopback, port)] : [new(IPAddress.Loopback, port)];
                case ['[', .. var inner, ']'] when IPAddress.TryParse(inner, out var six) && six.AddressFamily == AddressFamily.InterNetworkV6:
                    return [new(six, port)];
                case var host when IPAddress.TryParse(host, out var four) && four.AddressFamily == AddressFamily.InterNetwork:
                    return [new(four, port)];
            }
        throw new FormatException("ADDRESS:PORT is expected, such as 127.0.0.1:5000, [::1]:5000, localhost:5000 or *:5000");
    }

    public static IPNetwork Network(string text)
    {
        if (IPAddress.TryParse(text, out var address))
            return new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
        return IPNetwork.TryParse(text, out var network) ? network : throw new FormatException("an address or a network is expected, such as 10.0.0.7 or 10.0.0.0/8");
    }

    public static string Text(string file)
    {
        try
        {
            return new FileInfo(file).Length <= MaxFileSize ? File.ReadAllText(file).TrimEnd('\r', '\n') : throw new FormatException("the file is too large");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FormatException($"the file can't be read: {SafeText.OneLine(e.Message).TrimEnd('.')}", e);
        }
    }
}
