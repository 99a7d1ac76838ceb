using Pail.Cli.Commands;
using Pail.Cli.Output;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Cli;

[Trait("Also", "Native")]
public sealed class CompletionTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("publish pull pulls push", "pu")]
    [InlineData("s3:// file: oci: oci-archive: dir: docker-archive: docker-daemon: docker://", "push", "")]
    [InlineData("oci: oci-archive:", "push", "app:1.0", "oci")]
    [InlineData("--memory", "push", "--mem")]
    [InlineData("pool v2", "init", "--layout", "")]
    [InlineData("auto path virtual", "ls", "--addressing-style", "")]
    [InlineData("", "push", "--memory", "")]
    [InlineData("bash fish pwsh zsh", "completion", "")]
    [InlineData("check edit import set show", "policy", "")]
    [InlineData("ecr gar harbor zot", "policy", "import", "")]
    [InlineData("--for", "policy", "import", "--fo")]
    [InlineData("", "frobnicate", "x")]
    public void Complete_WordsSoFar_OffersWhatMayFollow(string expected, params string[] words) => Assert.Equal(
        expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(),
        CompleteCommand.Complete(new Terminal(Stream.Null, TextWriter.Null), words).Select(item => item.Word).Order());

    [Fact]
    public void Complete_NoWord_OffersEveryVerbButHiddenOnes()
    {
        var words = CompleteCommand.Complete(new Terminal(Stream.Null, TextWriter.Null), [""]).Select(item => item.Word).ToList();
        Assert.Contains("push", words);
        Assert.DoesNotContain("complete", words);
    }

    [Fact]
    [NeedsServers]
    public async Task Bash_CompletesVerbsOptionsAndPaths()
    {
        await Script();
        Directory.CreateDirectory(_folder["image"]);
        var ran = await ShellAsync("bash", """
            try() { COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=(); _pail 2>/dev/null; echo "${COMPREPLY[*]}"; }
            source <(pail completion bash)
            try "pail pu"
            try "pail push --mem"
            try "pail push oci:im"
            try "pail push oci"
            """);
        // Readline replaces only what follows the last colon.
        Assert.Equal(["publish pull pulls push", "--memory", "image/", "oci-archive: oci:"], Lines(ran).Select(line => string.Join(' ', line.Split(' ').Order(StringComparer.Ordinal))));
    }

    [Fact]
    [NeedsServers]
    public async Task Fish_CompletesVerbsOptionsAndPaths()
    {
        await Script();
        Directory.CreateDirectory(_folder["image"]);
        var ran = await ShellAsync("fish", """
            pail completion fish | source
            complete -C "pail comple"
            complete -C "pail push --mem"
            complete -C "pail push oci:im"
            """);
        Assert.Equal(["completion", "--memory", "oci:image/"], Lines(ran).Select(line => line.Split('\t')[0]));
    }

    // As a line of ~/.zshrc, and as a file in fpath, where packages put it.
    [Theory]
    [NeedsServers]
    [InlineData("compinit -u -D; source <(pail completion zsh)")]
    [InlineData("mkdir zsh; pail completion zsh >zsh/_pail; fpath=(\\$PWD/zsh \\$fpath); compinit -u -D")]
    public async Task Zsh_AtAPrompt_CompletesAVerb(string setUp)
    {
        await Script();
        // What is typed at a real prompt: half a verb, Tab, Enter. Completed, the command lacks an argument.
        var ran = await ShellAsync("zsh", $$"""
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell "autoload -U compinit; {{setUp}}; echo read''y"
            zpty -r -m shell seen '*ready*'
            zpty -w -n shell $'pail comple\t\n'
            zpty -r -m shell seen '*pail: *--help*'
            print -r -- $seen
            """);
        Assert.Contains("SHELL is missing".Replace("SHELL", "bash|zsh|fish|pwsh", StringComparison.Ordinal), ran.Output, StringComparison.Ordinal);
    }

    // A 'pail' in the folder, as the shells look for it.
    private async Task Script()
    {
        await File.WriteAllTextAsync(_folder["pail"], $"#!/bin/sh\nexec {BuiltPail.ShellCommand} \"$@\"\n", TestContext.Current.CancellationToken);
        Executable(_folder["pail"]);
    }

    private async Task<Finished> ShellAsync(string shell, string script)
    {
        var path = $"{_folder.Path}:{Environment.GetEnvironmentVariable("PATH")}";
        return (await Child.RunAsync("env", ["-C", _folder.Path, $"PATH={path}", $"HOME={_folder.Path}", "TERM=dumb", shell, "-c", script])).Succeeded();
    }

    private static string[] Lines(Finished ran) => ran.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static void Executable(string path)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }
}
