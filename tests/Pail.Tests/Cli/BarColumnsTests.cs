using Pail.Cli.Output;
using Pail.Oci;
using Spectre.Console;

namespace Pail.Tests.Cli;

public sealed class BarColumnsTests
{
    [Theory]
    [InlineData(40)]
    [InlineData(66)]
    [InlineData(67)]
    [InlineData(120)]
    public void BarColumns_OnAnyTerminal_FitOneLine(int width)
    {
        using var screen = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.Yes, Out = new AnsiConsoleOutput(screen) });
        console.Profile.Width = width;
        var tally = new CopyTally(null);
        tally.Begin(new(MediaTypes.OciLayerGzip, Digest.Of([]), 300 << 20)).Advance(299 << 20);
        console.Progress().Columns(new BarColumns(tally, task => task.Description == "all", width).All).Start(context =>
        {
            context.AddTask("layer    97d85b2ea8da", maxValue: 300 << 20).Increment(299 << 20);
            context.AddTask("all");
            // A speed takes two measurements.
            Thread.Sleep(300);
            context.Refresh();
        });
        Assert.Contains(screen.ToString().Split('\n'), line => line.Contains("layer    97d85b2ea8da", StringComparison.Ordinal) && line.Contains(width > 66 ? "299 MiB of 300 MiB" : " 99 %", StringComparison.Ordinal) && line.Contains("/s", StringComparison.Ordinal));
    }
}
