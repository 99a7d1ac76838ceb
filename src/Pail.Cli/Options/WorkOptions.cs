using System.CommandLine;
using Pail.Transfer;

namespace Pail.Cli.Options;

/// <summary>How much of the machine moving blobs may take.</summary>
internal sealed class WorkOptions
{
    private const long Least = 16 << 20;

    private static readonly TransferOptions Defaults = new();

    private readonly Option<long?> _memory = new("--memory")
    {
        HelpName = "SIZE",
        Description = $"Memory for parts on their way, such as 64MiB or 1GiB [default: {ByteSize.Format(Defaults.MemoryLimit)}]",
        CustomParser = result =>
        {
            try
            {
                var bytes = ByteSize.Parse(result.Tokens[0].Value);
                if (bytes >= Least)
                    return bytes;
                result.AddError($"--memory: at least {ByteSize.Format(Least)} are expected.");
            }
            catch (FormatException e)
            {
                result.AddError($"--memory: {e.Message}.");
            }
            return null;
        },
    };

    private readonly Option<int?> _connections = new("--connections")
    {
        HelpName = "N",
        Description = $"Parts moved at once [default: {Defaults.Connections}]",
        CustomParser = result =>
        {
            if (int.TryParse(result.Tokens[0].Value, out var count) && count is >= 1 and <= 256)
                return count;
            result.AddError("--connections wants a number from 1 to 256.");
            return null;
        },
    };

    public void AddTo(Command command)
    {
        command.Add(_memory);
        command.Add(_connections);
    }

    /// <summary>What was asked for, or the defaults; those too for verbs without these options.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="retrying">Hears of what fails and is tried again.</param>
    public TransferOptions Read(ParseResult parsed, Action<Exception>? retrying) => Defaults with
    {
        Retry = Defaults.Retry with { Retrying = retrying },
        MemoryLimit = parsed.GetValue(_memory) ?? Defaults.MemoryLimit,
        Connections = parsed.GetValue(_connections) ?? Defaults.Connections,
    };
}
