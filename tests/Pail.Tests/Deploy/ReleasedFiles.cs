using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Deploy;

/// <summary>What <c>eng/release</c> makes of the last commit, in a clone: minutes, when a test first asks for it.</summary>
public sealed class ReleasedFiles : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly Lazy<Task<string>> _files;

    public ReleasedFiles() => _files = new(() => MakeAsync("one"));

    /// <summary>The folder with the files.</summary>
    public Task<string> FolderAsync => _files.Value;

    /// <summary>Makes them once more, in a clone elsewhere.</summary>
    public Task<string> AgainAsync() => MakeAsync("another-place");

    public void Dispose() => _folder.Dispose();

    private async Task<string> MakeAsync(string name)
    {
        var clone = _folder[name];
        (await Child.RunAsync("git", ["clone", "--quiet", "--no-hardlinks", TestEnvironment.Sources, clone])).Succeeded();
        (await Child.RunAsync(Path.Combine(clone, "eng/release"), [])).Succeeded();
        return Path.Combine(clone, "out/release");
    }
}
