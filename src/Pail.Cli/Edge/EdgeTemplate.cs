using System.Text;

namespace Pail.Cli.Edge;

/// <summary>
/// A configuration with places to fill in: <c>@{name}</c> is replaced by a value; the lines between <c>@if name</c>, <c>@else</c> and
/// <c>@end</c>, each alone on a line, stay or go. Values come escaped for the syntax and the place they stand in (<see cref="Quote"/>).
/// </summary>
internal static class EdgeTemplate
{
    /// <summary>Fills in a template of this assembly.</summary>
    /// <param name="template">The name of its file.</param>
    /// <param name="values">The values, by name.</param>
    /// <param name="flags">The names that hold; the others don't.</param>
    /// <exception cref="KeyNotFoundException">A value is missing.</exception>
    public static string Fill(string template, IReadOnlyDictionary<string, string> values, params string?[] flags)
    {
        var filled = new StringBuilder();
        bool? keep = null;
        using var resource = typeof(EdgeTemplate).Assembly.GetManifestResourceStream($"Edge/{template}")!;
        using var lines = new StreamReader(resource);
        while (lines.ReadLine() is { } line)
        {
            if (line.StartsWith("@if ", StringComparison.Ordinal))
                keep = flags.Contains(line["@if ".Length..]);
            else if (line == "@else")
                keep = !keep;
            else if (line == "@end")
                keep = null;
            else if (keep ?? true)
                Append(filled, line, values).Append('\n');
        }
        return filled.ToString();
    }

    private static StringBuilder Append(StringBuilder filled, string line, IReadOnlyDictionary<string, string> values)
    {
        var at = 0;
        for (int begin; (begin = line.IndexOf("@{", at, StringComparison.Ordinal)) >= 0;)
        {
            var end = line.IndexOf('}', begin);
            filled.Append(line, at, begin - at).Append(values[line[(begin + 2)..end]]);
            at = end + 1;
        }
        return filled.Append(line, at, line.Length - at);
    }
}
