using Microsoft.Extensions.Logging;

namespace Pail.Server.Running;

/// <summary>How log lines are written.</summary>
internal enum LogFormat
{
    /// <summary>One JSON object a line.</summary>
    Json,

    /// <summary>For people.</summary>
    Text,
}

/// <summary>How log lines are written, and which.</summary>
/// <param name="Format">How.</param>
/// <param name="Level">The least that is logged.</param>
internal sealed record LogOptions(LogFormat Format = LogFormat.Json, LogLevel Level = LogLevel.Information)
{
    private static readonly (LogLevel Level, string Name)[] Names =
    [
        (LogLevel.Trace, "trace"), (LogLevel.Debug, "debug"), (LogLevel.Information, "info"), (LogLevel.Warning, "warning"), (LogLevel.Error, "error"), (LogLevel.Critical, "critical"),
    ];

    /// <summary>What a level is called in lines and settings.</summary>
    public static string NameOf(LogLevel level) => Array.Find(Names, entry => entry.Level == level).Name;

    /// <summary>The level of a name.</summary>
    public static LogLevel LevelOf(string name) => Array.Find(Names, entry => entry.Name == name).Level;
}
