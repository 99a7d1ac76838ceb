using Pail.Tests.Kit;

namespace Pail.Tests.Stores;

/// <summary>A small file system in memory, mounted for one test. Only root may; <c>./test</c> is, where mounts are seen by nobody else.</summary>
internal sealed class Mount : IAsyncDisposable
{
    /// <summary>Where it is.</summary>
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("pail-test-").FullName;

    /// <summary>Mounts one.</summary>
    /// <param name="type">As <c>mount -t</c> says it.</param>
    /// <param name="options">As <c>mount -o</c> says it.</param>
    public static async Task<Mount> MakeAsync(string type, string options = "defaults")
    {
        Assert.True(Environment.IsPrivilegedProcess, "Mounting needs root: run ./test.");
        var mount = new Mount();
        (await Child.RunAsync("mount", ["-t", type, "-o", options, "none", mount.Directory])).Succeeded();
        return mount;
    }

    /// <summary>Changes its options.</summary>
    public async Task RemountAsync(string options) => (await Child.RunAsync("mount", ["-o", $"remount,{options}", Directory])).Succeeded();

    public async ValueTask DisposeAsync()
    {
        (await Child.RunAsync("umount", [Directory])).Succeeded();
        System.IO.Directory.Delete(Directory);
    }
}
