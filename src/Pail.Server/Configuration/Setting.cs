namespace Pail.Server.Configuration;

/// <summary>One thing about a server that can be set: on the command line, by a variable, or in the configuration file.</summary>
/// <param name="Name">Its name: <c>--NAME</c> on the command line, <c>NAME</c> in the file.</param>
/// <param name="ValueName">What its value is called in the help; null for a switch.</param>
/// <param name="Description">What it does, and its default.</param>
/// <param name="Apply">Puts its values into a configuration.</param>
internal sealed record Setting(string Name, string? ValueName, string Description, Func<ServeConfiguration, IReadOnlyList<string>, ServeConfiguration> Apply)
{
    /// <summary>Whether it may have several values: separated by commas in a variable, a list in the file.</summary>
    public bool Repeats { get; init; }

    /// <summary>False for what must not be seen in a list of processes.</summary>
    public bool OnCommandLine { get; init; } = true;

    /// <summary>True for what is written without <c>--</c>.</summary>
    public bool IsArgument { get; init; }

    /// <summary>The variable that sets it.</summary>
    public string Variable => "PAIL_" + Name.Replace('-', '_').ToUpperInvariant();
}
