namespace Pail.Server.Running;

/// <summary>The arguments of an entry of the log that its message does not hold.</summary>
internal static class LogFields
{
    private const string Template = "{OriginalFormat}";

    /// <summary>Lists them, without those that are null.</summary>
    public static IEnumerable<KeyValuePair<string, object>> Of<TState>(TState state)
    {
        if (state is not IReadOnlyList<KeyValuePair<string, object?>> arguments)
            yield break;
        // The template is the last entry, as all of the framework's and the generator's states have it.
        var template = arguments.Count > 0 && arguments[^1] is { Key: Template, Value: string text } ? text : "";
        for (var i = 0; i < arguments.Count; i++)
            if (arguments[i] is { Value: { } value, Key: var name } && name != Template && !Names(template, name))
                yield return new(name, value);
    }

    // Whether the message holds the argument: {name}, {name:format} or {name,width}.
    private static bool Names(string template, string name)
    {
        for (var at = template.IndexOf(name, StringComparison.Ordinal); at > 0; at = template.IndexOf(name, at + 1, StringComparison.Ordinal))
            if (template[at - 1] == '{' && at + name.Length < template.Length && template[at + name.Length] is '}' or ':' or ',')
                return true;
        return false;
    }
}
