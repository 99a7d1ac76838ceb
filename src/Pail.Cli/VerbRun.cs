using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Pail.Cli.Output;
using Pail.Places;
using Pail.S3;
using Pail.Stores;

namespace Pail.Cli;

/// <summary>One run of a verb: what was asked, what the work is done with, and how its result is told.</summary>
internal sealed class VerbRun(ParseResult parsed, Terminal terminal, PlaceOpener places)
{
    private bool _told;

    public Terminal Terminal => terminal;

    public PlaceOpener Places { get; private set; } = places;

    /// <summary>Where images are copied from: other stores than those of <see cref="Places"/>, if that is asked for.</summary>
    public required PlaceOpener Sources { get; set; }

    /// <summary>How a bucket of S3 is reached.</summary>
    public required Func<BucketRoot.Url, S3Options> Reach { get; init; }

    public bool Json { get; init; }

    public bool Quiet { get; init; }

    public bool ExplainCost { get; init; }

    /// <summary>What the command ends with if nothing fails.</summary>
    public int Outcome { get; set; } = ExitCode.Ok;

    private RequestMeter Meter => Places.Meter;

    /// <summary>What the requests so far cost, if that is to be told with a result.</summary>
    public CostReport? Cost => ExplainCost ? CostReport.Of(Meter) : null;

    /// <summary>From now on nothing is written to a bucket.</summary>
    public void BeginDryRun()
    {
        var dry = Places.DryRun();
        (Sources, Places) = (Sources == Places ? dry : Sources, dry);
    }

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    public T Get<T>(Argument<T> argument) => parsed.GetRequiredValue(argument);

    public T? GetOptional<T>(Argument<T> argument) => parsed.GetValue(argument);

    /// <summary>Says something to people, unless they want quiet.</summary>
    public void Say(string line)
    {
        if (!Quiet)
            terminal.Error.WriteLine(line);
    }

    /// <summary>Tells the result: as JSON where asked for, else as lines.</summary>
    public void Result<T>(T result, JsonTypeInfo<T> type, Action<TextWriter> lines)
    {
        if (!Json)
        {
            lines(terminal.Lines);
            return;
        }
        _told = true;
        // Not as one string: a comparison may list millions of files.
        JsonSerializer.Serialize(terminal.Out, result, type);
        terminal.Lines.WriteLine();
    }

    /// <summary>Tells people the cost, also of work that failed; a JSON result has told it itself.</summary>
    public void TellCost()
    {
        if (ExplainCost && !_told)
            CostReport.Write(Meter, terminal.Error, terminal.Ink);
    }
}
