using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.EndToEnd;

/// <summary><c>./pail</c>, in front of a small program in the place of the real one.</summary>
[NeedsServers]
public sealed class LauncherTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public LauncherTests()
    {
        Directory.CreateDirectory(_folder["src/Pail.Cli"]);
        foreach (var file in (string[])["pail", "global.json"])
            File.Copy(Path.Combine(TestEnvironment.Sources, file), _folder[file]);
        File.WriteAllText(_folder["src/Pail.Cli/Pail.Cli.csproj"], """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType></PropertyGroup></Project>""");
        Write("7", "one");
    }

    private string Current => File.ResolveLinkTarget(_folder["out/pail/current"], returnFinalTarget: false)!.Name;

    [Fact]
    public async Task Run_FromElsewhereThroughALink_BuildsOnceAndBecomesTheProgram()
    {
        var link = _folder["link"];
        File.CreateSymbolicLink(link, _folder["pail"]);
        var first = (await Child.RunAsync("bash", ["-c", "cd / && exec \"$0\" \"$@\"", link, "a b", "c"])).Ended(7);
        Assert.Equal(("one: a b, c\n", ""), (first.Output, first.Error));
        var build = Current;
        (await RunAsync()).Ended(7);
        Assert.Equal(build, Current);
    }

    [Fact]
    public async Task Run_SourceChangedOrGone_BuildsAgain()
    {
        Write("0", "Extra.Text", ("Extra.cs", "static class Extra { public const string Text = nameof(Text); }"));
        Assert.Equal("Text: \n", (await RunAsync()).Succeeded().Output);
        // As an editor or a restored backup may do it: a file with an old date takes the place of the new one.
        Write("0", "two");
        File.SetLastWriteTimeUtc(_folder["src/Pail.Cli/Program.cs"], DateTime.UnixEpoch);
        Assert.Equal("two: \n", (await RunAsync()).Succeeded().Output);
        var build = Current;
        File.Delete(_folder["src/Pail.Cli/Extra.cs"]);
        Assert.Equal("two: \n", (await RunAsync()).Succeeded().Output);
        Assert.NotEqual(build, Current);
    }

    [Fact]
    public async Task Run_NuGetOutOfReach_SaysSo()
    {
        var project = _folder["src/Pail.Cli/Pail.Cli.csproj"];
        File.WriteAllText(project, File.ReadAllText(project).Replace("</PropertyGroup>", "</PropertyGroup><ItemGroup><PackageReference Include=\"Pail.Nowhere\" Version=\"[1.0.0]\" /></ItemGroup>", StringComparison.Ordinal));
        File.WriteAllText(_folder["src/NuGet.config"], """<configuration><packageSources><clear /><add key="none" value="http://127.0.0.1:9/index.json" allowInsecureConnections="true" /></packageSources></configuration>""");
        var failed = (await Child.RunAsync(_folder["pail"], [], new Dictionary<string, string?> { ["NUGET_ENHANCED_MAX_NETWORK_TRY_COUNT"] = "1" })).Ended(1);
        Assert.EndsWith("pail: the first build fetches a few packages from NuGet, which can't be reached from here.\npail: the build failed.\n", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WithClosedStreams_KeepsTheirPlaces()
    {
        Write("0", "string.Join(\",\", new[] { 0, 2 }.Select(fd => System.IO.File.ResolveLinkTarget($\"/proc/self/fd/{fd}\", false)?.FullName))");
        var run = await Child.RunAsync("bash", ["-c", "exec \"$0\" <&- 2>&-", _folder["pail"]]);
        Assert.Equal("/dev/null,/dev/null: \n", run.Succeeded().Output);
    }

    [Fact]
    public async Task Run_SourceBroken_SaysWhereAndKeepsNothing()
    {
        (await RunAsync()).Ended(7);
        var builds = Builds();
        Write("0", "two +");
        var broken = (await RunAsync()).Ended(1);
        Assert.Equal("", broken.Output);
        Assert.Contains("Program.cs(1,", broken.Error, StringComparison.Ordinal);
        Assert.EndsWith("pail: the build failed.\n", broken.Error, StringComparison.Ordinal);
        Assert.Equal(builds, Builds());
    }

    [Fact]
    public async Task Run_SeveralAtOnce_BuildOnce()
    {
        foreach (var end in await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RunAsync())))
            Assert.Equal("one: \n", end.Ended(7).Output);
        Assert.Single(Builds());
    }

    [Fact]
    public async Task Run_WithoutTheSdk_SaysWhatToDo()
    {
        File.WriteAllText(_folder["global.json"], """{ "sdk": { "version": "99.0.100" } }""");
        var old = (await RunAsync()).Ended(1);
        Assert.StartsWith("pail: the .NET 10 SDK is needed, and this machine has ", old.Error, StringComparison.Ordinal);

        var tools = Directory.CreateDirectory(_folder["tools"]).FullName;
        foreach (var tool in (string[])["bash", "dirname", "readlink"])
            File.CreateSymbolicLink(Path.Combine(tools, tool), $"/usr/bin/{tool}");
        var none = (await Child.RunAsync(_folder["pail"], [], new Dictionary<string, string?> { ["PATH"] = tools })).Ended(1);
        Assert.StartsWith("pail: the .NET 10 SDK is needed, and there is no dotnet in the PATH.", none.Error, StringComparison.Ordinal);
        Assert.Contains("https://dotnet.microsoft.com/download/dotnet/10.0", none.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private Task<Finished> RunAsync() => Child.RunAsync(_folder["pail"], []);

    private string[] Builds() => [.. Directory.EnumerateDirectories(_folder["out/pail"], "build.*").Order()];

    // A program that prints an expression and its arguments, and ends with an exit code.
    private void Write(string exitCode, string words, (string Name, string Text)? other = null)
    {
        var expression = words.All(char.IsLower) ? $"\"{words}\"" : words;
        File.WriteAllText(_folder["src/Pail.Cli/Program.cs"], $"using System.Linq; System.Console.WriteLine({expression} + \": \" + string.Join(\", \", args)); return {exitCode};");
        if (other is { } file)
            File.WriteAllText(_folder[$"src/Pail.Cli/{file.Name}"], file.Text);
    }
}
