using Pail.Cli;
using Pail.Cli.Output;

namespace Pail.Tests.Cli;

[Trait("Also", "Native")]
public sealed class UsageTests
{
    private static IReadOnlyList<string> Names => [.. Root().Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name)];

    public static TheoryData<string> Verbs => [.. Names];

    [Theory]
    [InlineData]
    [InlineData("--help")]
    [InlineData("-h")]
    public async Task NoVerb_ShowsTheVerbs(params string[] arguments)
    {
        var ran = (await Command.RunAsync(arguments)).Ended(ExitCode.Ok);
        Assert.All(Names, verb => Assert.Contains(verb, ran.Output, StringComparison.Ordinal));
        Assert.Empty(ran.Error);
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Help_OfEachVerb_DescribesAllItsOptions(string verb)
    {
        var ran = (await Command.RunAsync(verb, "--help")).Ended(ExitCode.Ok);
        var command = Root().Subcommands.Single(command => command.Name == verb);
        Assert.All(command.Options, option => Assert.Contains(option.Name, ran.Output, StringComparison.Ordinal));
        Assert.All(command.Options, option => Assert.NotEmpty(option.Description ?? ""));
        Assert.All(command.Arguments, argument => Assert.NotEmpty(argument.Description ?? ""));
        Assert.DoesNotContain(ran.Lines, line => line.Split("[default:").Length > 2); // said by us and by the library
    }

    [Fact]
    public async Task Version_IsOneLine() => Assert.Matches("^pail [0-9]+\\.[0-9]+\\.[0-9]+", Assert.Single((await Command.RunAsync("--version")).Ended(ExitCode.Ok).Lines));

    [Theory]
    [InlineData("Did you mean 'push'?", "pusj")]
    [InlineData("not a command", "frobnicate")]
    [InlineData("SOURCE is missing", "push")]
    [InlineData("BUCKET[/REPO[:TAG]] is missing", "push", "app:1.0")]
    [InlineData("TAG is missing", "tag", "s3://acme/app:1")]
    [InlineData("'c'", "copy", "a", "b", "c")]
    [InlineData("--frob", "push", "a", "b", "--frob")]
    [InlineData("--memory", "push", "a", "s3://acme", "--memory", "1KiB")]
    [InlineData("--memory", "push", "a", "s3://acme", "--memory", "lots")]
    [InlineData("--connections", "push", "a", "s3://acme", "--connections", "0")]
    [InlineData("platform", "push", "a", "s3://acme", "--platform", "linux")]
    [InlineData("exclude", "copy", "oci:a", "oci:b", "--platform", "linux/amd64", "--all")]
    [InlineData("v2", "init", "s3://acme", "--layout", "v3")]
    [InlineData("path", "ls", "s3://acme", "--addressing-style", "sideways")]
    [InlineData("bash", "completion", "tcsh")]
    [InlineData("a bucket is expected", "init", "oci:x")]
    [InlineData("an address in a bucket", "push", "app:1.0", "oci:x")]
    [InlineData("pail copy", "pull", "oci:x")]
    [InlineData("needs a tag", "pull", "s3://acme/app@sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("a digest has no pattern", "rm", "s3://acme/*@sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("a repository, tag or digest is expected, such as s3://acme/app:1.0", "rm", "s3://acme")]
    [InlineData("a repository is expected", "tags", "s3://acme")]
    [InlineData("file:dir//app:1.0", "inspect", "file:dir/app:1.0")]
    [InlineData("without tag", "ls", "s3://acme/app:1.0")]
    [InlineData("not an address", "inspect", "https://example.com/app")]
    [InlineData("--public and --lists go with", "init", "file:x", "--layout", "pool", "--public")]
    public async Task BadUsage_IsOneLineAndItsExitCode(string says, params string[] arguments)
    {
        var ran = (await Command.RunAsync(arguments)).Ended(ExitCode.BadUsage);
        Assert.Contains(says, ran.OneLine(), StringComparison.Ordinal);
        Assert.Empty(ran.Output);
    }

    [Fact]
    public async Task ResponseFile_IsNoSuchThing_TheWordStaysAsItIs() =>
        Assert.Contains("@nothing", (await Command.RunAsync("inspect", "@nothing")).Ended(ExitCode.BadUsage).OneLine(), StringComparison.Ordinal);

    [Theory]
    [InlineData("ls", "s3://acme", "--endpoint-url", "http://somebody:hunter2@example.com")]
    [InlineData("ls", "s3://acme", "--endpoint-url", "ftp://somebody:hunter2@example.com")]
    [InlineData("inspect", "https://somebody:hunter2@example.com/app:1.0")]
    public async Task Credentials_InAnAddress_AreNotToldAgain(params string[] arguments)
    {
        var ran = (await Command.RunAsync(arguments)).Ended(ExitCode.BadUsage);
        Assert.Contains("example.com", ran.OneLine(), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("somebody", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Readme_NamesEveryVerb()
    {
        var readme = File.ReadAllText(Path.Combine(Kit.TestEnvironment.Sources, "README.md"));
        Assert.All(Names, verb => Assert.Contains($"`{verb}", readme, StringComparison.Ordinal));
    }

    private static PailCommand Root() => new(new Terminal(Stream.Null, TextWriter.Null));
}
