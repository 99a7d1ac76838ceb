using System.CommandLine;

namespace Pail.Cli.Options;

/// <summary>How results and progress are told.</summary>
internal sealed class OutputOptions
{
    private readonly Option<bool> _json = new("--json") { Description = "Write the result as JSON on stdout" };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "No progress and no summary; errors are still told" };
    private readonly Option<bool> _explainCost = new("--explain-cost") { Description = "Tell the S3 requests made, by kind and class, and their price" };

    /// <summary>Adds <c>--json</c> where a verb's result is not bytes, <c>--quiet</c> where it tells of its work, <c>--explain-cost</c> where it works on a bucket of the user's.</summary>
    public void AddTo(Command command, bool json, bool quiet, bool cost)
    {
        if (json)
            command.Add(_json);
        if (quiet)
            command.Add(_quiet);
        if (cost)
            command.Add(_explainCost);
    }

    public bool Json(ParseResult parsed) => parsed.GetResult(_json) is not null && parsed.GetValue(_json);

    public bool Quiet(ParseResult parsed) => parsed.GetResult(_quiet) is not null && parsed.GetValue(_quiet);

    public bool ExplainCost(ParseResult parsed) => parsed.GetResult(_explainCost) is not null && parsed.GetValue(_explainCost);
}
