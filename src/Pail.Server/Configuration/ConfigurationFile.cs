using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Pail.Oci;

namespace Pail.Server.Configuration;

/// <summary>Reads the configuration file: one JSON object, the names of settings to text, numbers, true or false, or lists of those. Comments are allowed.</summary>
internal static class ConfigurationFile
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="PailException">It can't be read, or names a setting there is not.</exception>
    public static Dictionary<string, IReadOnlyList<string>> Read(string file)
    {
        try
        {
            using var text = new MemoryStream(Encoding.UTF8.GetBytes(Values.Text(file)));
            var found = new ConfigurationBuilder().AddJsonStream(text).Build();
            return found.GetChildren().ToDictionary(NameOf, ValuesOf);
        }
        catch (Exception e) when (e is FormatException or InvalidDataException or JsonException)
        {
            throw new PailException(Failure.BadInput, $"{SafeText.OneLine(file)}: {SafeText.OneLine((e.InnerException ?? e).Message).TrimEnd('.')}.", e);
        }
    }

    private static string NameOf(IConfigurationSection section) =>
        Settings.All.Any(setting => setting.Name == section.Key) ? section.Key : throw new FormatException($"there is no setting '{SafeText.OneLine(section.Key)}'; docs/server.md lists them");

    private static IReadOnlyList<string> ValuesOf(IConfigurationSection section) =>
        section.Value is { } value ? [value]
        : section.GetChildren().ToList() is { Count: > 0 } items && items.TrueForAll(item => item.Value is not null && int.TryParse(item.Key, out _)) ? [.. items.Select(item => item.Value!)]
        : throw new FormatException($"{section.Key}: text, a number, true or false, or a list of those is expected");
}
