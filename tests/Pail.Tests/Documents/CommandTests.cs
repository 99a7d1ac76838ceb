using System.Text;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.Documents;

/// <summary>
/// The commands of README and the quick starts, typed as they are written, in the order of the page, in an empty home: only addresses
/// of buckets, registries and S3 are those of this machine.
/// </summary>
[NeedsServers]
public sealed class CommandTests(ToolFeed feed) : IClassFixture<ToolFeed>, IDisposable
{
    private readonly TestFolder _folder = new();

    public static TheoryData<string> Pages => [.. DocumentPage.WithCommands];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Commands_AsWritten_Work(string page)
    {
        await using var bucket = await TestBucket.TakeAsync();
        var backup = S3Server.NewName();
        await PailCli.Direct.DoAsync("init", $"s3://{backup}");
        Directory.CreateDirectory(_folder["registry"]);
        await using var registry = await PailServer.StartAsync(PailCli.Direct, [_folder["registry"], "--log", "off"]);
        await SetUpAsync(page, bucket, registry.Host);
        var port = FreePort.Take();
        (string Old, string New)[] addresses =
        [
            ("acme-images.s3.eu-central-1.amazonaws.com", bucket.Registry), ("acme-images.s3.example.com", bucket.Registry), ("acme-images", bucket.Name), ("acme-backup", backup),
            ("https://ACCOUNT.r2.cloudflarestorage.com", TestEnvironment.S3.ToString()), ("https://s3.example.com", TestEnvironment.S3.ToString()), ("AWS_REGION=auto", "AWS_REGION=us-east-1"), ("eu-central-1", "us-east-1"),
            ("docker://alpine", $"docker://{registry.Host}/library/alpine"), ("docker://ghcr.io/", $"docker://{registry.Host}/"), ("docker://registry.example.com/", $"docker://{registry.Host}/"),
            ("127.0.0.1:5000", $"127.0.0.1:{port}"), ("${{ github.sha }}", "1234567"),
        ];
        var script = new StringBuilder("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n");
        foreach (var command in DocumentPage.Read(page).Where(block => block.NotRun is null).SelectMany(block => block.Commands))
        {
            var typed = addresses.Aggregate(command, (text, address) => text.Replace(address.Old, address.New, StringComparison.Ordinal));
            script.Append($"printf '$ %s\\n' {Quoted(typed)} >&2\n");
            // What goes on until Ctrl-C has a terminal of its own.
            script.Append(
                typed.StartsWith("pail serve", StringComparison.Ordinal) ? $"{typed} >/dev/null &\nuntil curl -sfo /dev/null http://127.0.0.1:{port}/readyz; do kill -0 $!; sleep 0.1; done\n"
                : typed.StartsWith("pail ui", StringComparison.Ordinal) ? $"{{ exec {typed}\n}} >ui.log 2>&1 &\nuntil curl -sfo page.html \"$(grep -o 'http://127[^ ]*' ui.log)\"; do kill -0 $!; sleep 0.1; done\ngrep -q '<html' page.html\n"
                : $"{typed}\n");
        }
        await File.WriteAllTextAsync(_folder["script"], script.ToString(), Cancel);
        var began = TimeProvider.System.GetTimestamp();
        (await Child.RunAsync("bash", ["-c", "cd \"$0\" && exec bash ../script", _folder["work"]], Environment(port))).Succeeded();
        TestContext.Current.TestOutputHelper?.WriteLine($"{page}: {TimeProvider.System.GetElapsedTime(began).TotalSeconds:f1} s");
        await S3Server.Ceph.RemoveAsync(backup);
    }

    // From nothing to an image that was pushed, pulled, run and looked at.
    [Fact]
    public void Newcomer_PathInReadme_TakesTenCommandsAtMost()
    {
        var path = DocumentPage.Read("README.md").Take(2).SelectMany(block => block.Commands).Select(command => command.Split('#')[0].TrimEnd()).ToList();
        Assert.InRange(path.Count, 1, 10);
        string[] steps = ["dotnet tool install", "pail init", "docker build", "pail push", "pail pull", "docker run", "pail ui"];
        Assert.Equal(steps, steps.OrderBy(step => path.FindIndex(command => command.StartsWith(step, StringComparison.Ordinal))));
        Assert.All(steps, step => Assert.Contains(path, command => command.StartsWith(step, StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_HasCommandsThatAreRun(string page)
    {
        var blocks = DocumentPage.Read(page);
        Assert.Contains(blocks, block => block.NotRun is null);
        // What can't be run here says why: another reason would be an excuse.
        Assert.All(blocks.Where(block => block.NotRun is not null), block => Assert.Matches("^(needs AWS|needs a cluster|needs a release|DebianPackageTests) ?", block.NotRun!.Split(';')[0] + " "));
    }

    public void Dispose() => _folder.Dispose();

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private Dictionary<string, string?> Environment(int port) => new()
    {
        ["HOME"] = _folder["home"],
        ["DOTNET_CLI_HOME"] = _folder["home"],
        ["DOTNET_NOLOGO"] = "1",
        ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../..")),
        ["NUGET_PACKAGES"] = null,
        ["PATH"] = $"{_folder["home/.dotnet/tools"]}:{_folder["bin"]}:{System.Environment.GetEnvironmentVariable("PATH")}",
        ["AWS_ENDPOINT_URL_S3"] = TestEnvironment.S3.ToString(),
        ["DOCKER_HOST"] = Engine.Other.Socket,
        ["PAIL_LISTEN"] = $"127.0.0.1:{port}",
    };

    // What somebody who reads the page has: docker, a Dockerfile, and pail where it is not installed by the page itself.
    private async Task SetUpAsync(string page, TestBucket bucket, string registry)
    {
        foreach (var folder in (string[])["home", "bin", "work"])
            Directory.CreateDirectory(_folder[folder]);
        await ProgramAsync("docker", """
            export DOCKER_BUILDKIT=0
            case $1 in build | run) exec /usr/bin/docker "$1" --network none "${@:2}" ;; esac
            exec /usr/bin/docker "$@"
            """);
        if (DocumentPage.Read(page).Any(block => block.NotRun is null && block.Commands.Any(command => command.StartsWith("dotnet tool install", StringComparison.Ordinal))))
            await feed.UseAsync(_folder["home"]);
        else
            await ProgramAsync("pail", $"exec {BuiltPail.ShellCommand} \"$@\"");
        File.Copy("/bin/busybox", _folder["work/busybox"]);
        await File.WriteAllTextAsync(_folder["work/nonce"], Guid.NewGuid().ToString(), Cancel);
        await File.WriteAllTextAsync(_folder["work/Dockerfile"], "FROM scratch\nCOPY busybox /bin/sh\nCOPY nonce /nonce\nCMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n", Cancel);

        // Images that a page takes for granted.
        var layout = new TestLayout(_folder["layout"]);
        layout.Tag(layout.TwoPlatforms());
        if (page == "README.md")
        {
            foreach (var name in (string[])["library/alpine:latest", "acme/app:1.0", "acme/app:1.1"])
                await PailCli.Direct.DoAsync("copy", "--all", layout.Address(), $"docker://{registry}/{name}");
            await File.WriteAllTextAsync(_folder["work/images.txt"], $"docker://{registry}/acme/app:1.0\n", Cancel);
            using var other = new TestFolder();
            var docker = new DockerCli(other, Engine.Other);
            foreach (var tag in (string[])["1.1", "1.2"])
                await docker.BuildAsync(_folder["work"], $"app:{tag}");
        }
        if (page is "docs/operations.md" or "docs/quickstart/kubernetes.md" or "docs/quickstart/github-actions.md")
        {
            await PailCli.Direct.DoAsync("init", bucket.Address);
            await PailCli.Direct.DoAsync("copy", "--all", layout.Address(), $"{bucket.Address}/team/app:1.0");
        }
    }

    private async Task ProgramAsync(string name, string script)
    {
        await File.WriteAllTextAsync(_folder[$"bin/{name}"], $"#!/bin/bash\n{script}\n", Cancel);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder[$"bin/{name}"], (UnixFileMode)0b111_101_101);
    }
}
