using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Documents;

/// <summary>A feed of NuGet in a folder, with the tool that <c>dotnet tool install -g pail</c> installs, made when a test first asks for it.</summary>
public sealed class ToolFeed : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly Lazy<Task> _packed;

    public ToolFeed() => _packed = new(PackAsync);

    /// <summary>Writes the settings of NuGet into a home folder: packages come from the feed alone.</summary>
    public async Task UseAsync(string home)
    {
        await _packed.Value;
        var settings = Directory.CreateDirectory(Path.Combine(home, ".nuget", "NuGet")).FullName;
        await File.WriteAllTextAsync(
            Path.Combine(settings, "NuGet.Config"), $"""<configuration><packageSources><clear /><add key="local" value="{_folder["feed"]}" /></packageSources></configuration>""", TestContext.Current.CancellationToken);
    }

    public void Dispose() => _folder.Dispose();

    private async Task PackAsync() => (await Child.RunAsync("dotnet",
    [
        "pack", Path.Combine(TestEnvironment.Sources, "src/Pail.Cli"), "-c", "Release", "-o", _folder["feed"], "--artifacts-path", _folder["artifacts"],
        "--disable-build-servers", "-nologo", "-v", "quiet", "-p:RunAnalyzers=false",
    ])).Succeeded();
}
