using System.CommandLine;
using System.CommandLine.Parsing;
using Pail.Oci;

namespace Pail.Cli.Options;

/// <summary><c>--platform</c>, as each verb that knows it reads it.</summary>
internal static class PlatformOptions
{
    /// <summary>Which image of an index.</summary>
    public static Option<Platform?> Create(string description) => new("--platform")
    {
        HelpName = "OS/ARCH[/VARIANT]",
        Description = description,
        CustomParser = result => Parse(result, result.Tokens[0].Value),
    };

    /// <summary>Which images of an index, one or several; null if none is named.</summary>
    public static Option<IReadOnlyList<Platform>?> CreateList(string description) => new("--platform")
    {
        HelpName = "OS/ARCH[/VARIANT][,...]",
        Description = description,
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',')).Select(text => Parse(result, text)).OfType<Platform>().Distinct()],
    };

    private static Platform? Parse(ArgumentResult result, string text)
    {
        try
        {
            return Platform.Parse(text);
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return null;
        }
    }
}
