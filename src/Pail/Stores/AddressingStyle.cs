namespace Pail.Stores;

/// <summary>How a bucket's name goes into an address.</summary>
public enum AddressingStyle
{
    /// <summary>Virtual-host style on AWS, path style everywhere else.</summary>
    Auto,

    /// <summary><c>https://endpoint/bucket/key</c>.</summary>
    Path,

    /// <summary><c>https://bucket.endpoint/key</c>, where the name can be a part of a host's name.</summary>
    VirtualHost,
}

/// <summary>Reads an <see cref="AddressingStyle"/> from an option, a variable or a file.</summary>
internal static class AddressingStyles
{
    /// <summary>The words that <see cref="Parse"/> reads.</summary>
    public static IReadOnlyList<string> Words { get; } = ["auto", "path", "virtual"];

    /// <summary>Reads <c>auto</c>, <c>path</c> or <c>virtual</c>, in any case.</summary>
    /// <exception cref="FormatException">The text is something else; the message says what is expected.</exception>
    public static AddressingStyle Parse(string text) => text.Trim().ToLowerInvariant() switch
    {
        "auto" => AddressingStyle.Auto,
        "path" => AddressingStyle.Path,
        "virtual" => AddressingStyle.VirtualHost,
        _ => throw new FormatException("auto, path or virtual is expected"),
    };
}
