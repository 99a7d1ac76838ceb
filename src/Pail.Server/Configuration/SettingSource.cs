using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;

namespace Pail.Server.Configuration;

/// <summary>
/// One place where settings are set, as a source of the framework's configuration: the command line, the environment, the file.
/// A setting is one key; its several values are one text, separated by commas, so that a later source replaces all of them.
/// </summary>
/// <param name="values">The values of a setting; null if it is not set here.</param>
/// <param name="origin">What people call a setting that is set here, such as <c>PAIL_LISTEN</c>.</param>
internal sealed class SettingSource(Func<Setting, IReadOnlyList<string>?> values, Func<Setting, string> origin) : ConfigurationProvider, IConfigurationSource
{
    /// <inheritdoc/>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    /// <inheritdoc/>
    public override void Load()
    {
        foreach (var setting in Settings.All)
            if (values(setting) is { } found)
                Data[setting.Name] = string.Join(',', found);
    }

    /// <summary>True if this source sets a setting; then also what people call it.</summary>
    public bool Sets(Setting setting, [NotNullWhen(true)] out string? name)
    {
        name = TryGet(setting.Name, out _) ? origin(setting) : null;
        return name is not null;
    }
}
