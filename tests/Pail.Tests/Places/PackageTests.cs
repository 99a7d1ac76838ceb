using System.IO.Compression;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Places;

/// <summary>The packages that <c>dotnet pack</c> makes, used by a program of somebody else.</summary>
[NeedsServers]
public sealed class PackageTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Pack_OfTheLibrary_HoldsWhatProgramsNeed()
    {
        // Twelve seconds of a core: src/Pail.S3 builds src/Pail as well.
        foreach (var project in (string[])["Pail", "Pail.S3"])
            (await Child.RunAsync("dotnet",
            [
                "pack", Path.Combine(TestEnvironment.Sources, "src", project), "-c", "Release", "-o", _folder["feed"], "--artifacts-path", _folder["artifacts"],
                "--disable-build-servers", "-nologo", "-v", "quiet", "-p:RunAnalyzers=false",
            ])).Succeeded();
        Assert.Superset(
            new HashSet<string> { "README.md", "lib/net10.0/Pail.dll", "lib/net10.0/Pail.xml" }, Files("Pail.Core.0.1.0.nupkg"));
        Assert.Superset(
            new HashSet<string> { "README.md", "lib/net10.0/Pail.S3.dll", "lib/net10.0/Pail.S3.xml", "buildTransitive/Pail.S3.targets", "buildTransitive/RegisterS3.cs" }, Files("Pail.S3.0.1.0.nupkg"));
        Assert.Contains("<license type=\"expression\">Apache-2.0</license>", Text("Pail.S3.0.1.0.nupkg", "Pail.S3.nuspec"), StringComparison.Ordinal);
        await UseAsync();
    }

    // What registers s3:// lies in the package, and is compiled into the program.
    private async Task UseAsync()
    {
        Directory.CreateDirectory(_folder["app"]);
        await File.WriteAllTextAsync(_folder["app/app.csproj"], """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType></PropertyGroup>
              <ItemGroup><PackageReference Include="Pail.S3" Version="0.1.0" /></ItemGroup>
            </Project>
            """, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_folder["app/Program.cs"], "System.Console.Write(string.Join(',', Pail.Places.StoreProviders.Schemes));", TestContext.Current.CancellationToken);
        // The other packages are there since the tests were built.
        var known = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var run = await Child.RunAsync("dotnet",
        [
            "run", "--project", _folder["app"], "--disable-build-servers",
            $"-p:RestoreAdditionalProjectSources={_folder["feed"]}", $"-p:RestorePackagesPath={_folder["packages"]}", $"-p:RestoreFallbackFolders={known}",
        ]);
        Assert.Equal("s3", run.Succeeded().Output);
    }

    private HashSet<string> Files(string package)
    {
        using var archive = ZipFile.OpenRead(Path.Combine(_folder["feed"], package));
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    private string Text(string package, string file)
    {
        using var archive = ZipFile.OpenRead(Path.Combine(_folder["feed"], package));
        using var reader = new StreamReader(archive.GetEntry(file)!.Open());
        return reader.ReadToEnd();
    }
}
