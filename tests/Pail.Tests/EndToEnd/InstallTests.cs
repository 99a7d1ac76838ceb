using System.Runtime.Versioning;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.EndToEnd;

/// <summary><c>eng/install</c>, with a package database and package lists of its own, which are empty.</summary>
[NeedsServers]
[SupportedOSPlatform("linux")]
public sealed class InstallTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public InstallTests()
    {
        foreach (var folder in (string[])["dpkg/updates", "lists/partial", "cache/archives/partial"])
            Directory.CreateDirectory(_folder[folder]);
        File.WriteAllText(_folder["dpkg/status"], "");
        File.WriteAllText(_folder["apt.conf"], $"""
            Dir::State::status "{_folder["dpkg/status"]}";
            Dir::State::lists "{_folder["lists"]}";
            Dir::Cache "{_folder["cache"]}";
            Dir::Etc::sourcelist "/dev/null";
            Dir::Etc::sourceparts "/dev/null";
            """);
    }

    [Theory]
    [InlineData("lists/lock")]
    [InlineData("dpkg/lock-frontend")]
    public async Task Run_AnotherHoldsALockOfApt_SaysSoAndWaits(string name)
    {
        var path = _folder[name];
        using var held = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite);
        held.Lock(0, 0);
        var errors = _folder["errors"];
        await using var install = Child.Start(
            "bash",
            ["-c", "exec \"$0\" 2>\"$1\"", Path.Combine(TestEnvironment.Sources, "eng/install"), errors],
            new Dictionary<string, string?> { ["APT_CONFIG"] = _folder["apt.conf"], ["DPKG_ADMINDIR"] = _folder["dpkg"] });
        while (!install.HasExited && !Read().Contains(path, StringComparison.Ordinal))
            await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Contains($"install: waiting for another package manager: Could not get lock {path}. It is held by process {Environment.ProcessId} ", Read(), StringComparison.Ordinal);
        Assert.False(install.HasExited, Read());

        held.Unlock(0, 0);
        // There are no packages in its lists, so this is how far it comes.
        (await install.EndAsync()).Ended(1);
        Assert.EndsWith("install: apt-get failed\n", Read(), StringComparison.Ordinal);
        Assert.Contains("E: Unable to locate package curl", Read(), StringComparison.Ordinal);

        string Read() => File.Exists(errors) ? File.ReadAllText(errors) : "";
    }

    public void Dispose() => _folder.Dispose();
}
