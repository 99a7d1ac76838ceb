using System.Globalization;
using Pail.Oci;

namespace Pail.Policies;

/// <summary>Reads values of a file that people write, and notes what is wrong with them. A value that is wrong reads as null, and reading goes on.</summary>
/// <param name="found">Where to.</param>
internal abstract class NodeReader(List<PolicyProblem> found)
{
    private const int MaxProblems = 50;

    private static readonly string[] Dates = ["yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK"];

    protected List<PolicyProblem> Found => found;

    protected void Wrong(YamlNode at, string message)
    {
        if (found.Count < MaxProblems)
            found.Add(new(at.Line, at.Column, message));
    }

    /// <summary>Reads a map: each key once, and none but these.</summary>
    protected bool Map(YamlNode node, string what, params ReadOnlySpan<(string Key, Action<YamlNode> Read)> known)
    {
        if (node is not YamlMap map)
        {
            Wrong(node, $"{what} is written as keys with values, such as '{known[0].Key}: ...'");
            return false;
        }
        var seen = new HashSet<string>();
        foreach (var (key, value) in map.Entries)
        {
            Action<YamlNode>? read = null;
            var names = new List<string>();
            foreach (var (name, reader) in known)
            {
                names.Add(name);
                read = name == key.Text ? reader : read;
            }
            if (read is null)
                Wrong(key, $"'{SafeText.OneLine(key.Text)}' means nothing here; {what} has {string.Join(", ", names)}");
            else if (!seen.Add(key.Text))
                Wrong(key, $"'{key.Text}' is there twice: write one");
            else
                read(value);
        }
        return true;
    }

    /// <summary>Reads a map whose keys are names that the file makes up.</summary>
    protected IReadOnlyList<(YamlText Key, YamlNode Value)> Entries(YamlNode node, string expected)
    {
        if (node is YamlMap map && map.Entries.All(entry => entry.Key.Text.Length > 0))
            return map.Entries;
        Wrong(node, expected);
        return [];
    }

    /// <summary>Reads a list, or one item without a list.</summary>
    protected List<T> List<T>(YamlNode node, string what, Func<YamlNode, T?> read)
        where T : class
    {
        IReadOnlyList<YamlNode> items = node is YamlList list ? list.Items : [node];
        if (items.Count == 0 || node is YamlText { Text: "" })
            Wrong(node, $"{what} is missing");
        return node is YamlText { Text: "" } ? [] : [.. items.Select(read).OfType<T>()];
    }

    protected string? Text(YamlNode node, string what)
    {
        if (node is YamlText { Text: { Length: > 0 } text })
            return text;
        Wrong(node, $"{what} is expected");
        return null;
    }

    protected int? Count(YamlNode node)
    {
        if (node is YamlText text && int.TryParse(text.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0)
            return count;
        Wrong(node, "a number from 1 is expected");
        return null;
    }

    protected bool Flag(YamlNode node)
    {
        if (node is YamlText { Text: "true" or "false" } text)
            return text.Text == "true";
        Wrong(node, "true or false is expected");
        return false;
    }

    // Elsewhere a number alone is seconds; here somebody who writes 30 means days.
    protected TimeSpan? Time(YamlNode node)
    {
        if (node is YamlText { Text: [.., var unit] text } && char.IsAsciiLetter(unit) && Duration.TryParse(text, out var time))
            return time;
        Wrong(node, $"a time with its unit is expected, such as 12h, {(node is YamlText { Text: { Length: > 0 } digits } && digits.All(char.IsAsciiDigit) ? digits : "30")}d or 8w");
        return null;
    }

    /// <summary>The moment at which a date is over; that of a point in time is itself.</summary>
    protected DateTimeOffset? EndOf(YamlNode node)
    {
        if (node is YamlText { Text: var text })
        {
            if (DateTimeOffset.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day) && day < DateTimeOffset.MaxValue.AddDays(-1))
                return day.AddDays(1);
            if (DateTimeOffset.TryParseExact(text, Dates, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment))
                return moment;
        }
        Wrong(node, "a date is expected, such as 2027-01-31 (to its end) or 2027-01-31T12:00:00Z");
        return null;
    }

    protected T? Parsed<T>(YamlNode node, string what, Func<string, T> parse)
        where T : class
    {
        if (Text(node, what) is not { } text)
            return null;
        try
        {
            return parse(text);
        }
        catch (FormatException e)
        {
            Wrong(node, $"'{SafeText.OneLine(text)}': {e.Message.TrimEnd('.')}");
            return null;
        }
    }

    protected List<Glob> Repositories(YamlNode node) => List(node, "a pattern of repositories, such as \"team/**\",", item => Parsed(item, "a pattern of repositories", Glob.OfRepositories));

    protected List<Glob> Tags(YamlNode node) => List(node, "a pattern of tags, such as \"v*\",", item => Parsed(item, "a pattern of tags", text => Glob.OfTags(text)));
}
