using System.Reflection;
using Pail.Cli;
using Pail.Cli.Output;

namespace Pail.Tests.Cli;

public sealed class ExitCodeTests
{
    [Fact]
    public void EachFailure_HasACodeOfItsOwn()
    {
        var codes = Enum.GetValues<Failure>().Select(ExitCode.Of).ToList();
        Assert.Equal(codes.Count, codes.Distinct().Count());
        Assert.DoesNotContain(ExitCode.Ok, codes);
        Assert.DoesNotContain(ExitCode.Unexpected, codes);
    }

    [Fact]
    public void EachCode_IsDocumented()
    {
        var document = File.ReadAllText(Path.Combine(Kit.TestEnvironment.Sources, "docs", "exit-codes.md"));
        var codes = typeof(ExitCode).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (int)field.GetRawConstantValue()!).Where(code => code != ExitCode.Signal);
        Assert.All(codes, code => Assert.Contains($"| {code} |", document, StringComparison.Ordinal));
    }

    [Fact]
    public void Signals_TheFirstIsDealtWithTheSecondIsNot()
    {
        using var interruption = new Interruption();
        List<bool> heard = [];
        interruption.Heard = heard.Add;
        Assert.Null(interruption.ExitCode);
        Assert.True(interruption.Hear(2));
        Assert.Equal(130, interruption.ExitCode);
        Assert.False(interruption.Hear(15));
        Assert.Equal(130, interruption.ExitCode);
        Assert.Equal([false, true], heard);
        Assert.True(interruption.Token.WaitHandle.WaitOne(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task Interrupted_BeforeItIsDone_Is130()
    {
        using var interruption = new Interruption();
        await using var error = new StringWriter();
        interruption.Hear(2);
        interruption.Token.WaitHandle.WaitOne();
        var code = await PailProgram.RunAsync(["ls", "file:/tmp"], new Terminal(Stream.Null, error), interruption);
        Assert.Equal(130, code);
        Assert.Equal("pail: interrupted.", error.ToString().Trim());
    }
}
