using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Pail.Policies;

/// <summary>A value of a YAML file, and where it begins. JSON is YAML.</summary>
internal abstract record YamlNode(int Line, int Column)
{
    private const int MaxDepth = 8;

    /// <summary>Reads the one document of a file; null if it is empty, or can't be read: then the problem is added.</summary>
    public static YamlNode? Read(string text, ICollection<PolicyProblem> problems)
    {
        var parser = new Parser(new StringReader(text));
        try
        {
            parser.Consume<StreamStart>();
            if (parser.TryConsume<StreamEnd>(out _))
                return null;
            parser.Consume<DocumentStart>();
            var root = Next(parser, 0);
            parser.Consume<DocumentEnd>();
            if (parser.Current is DocumentStart { Start: var second })
                throw new SyntaxErrorException(second, second, "one document is expected: remove this '---' and what follows");
            return root;
        }
        catch (YamlException e)
        {
            problems.Add(Problem(text, e.Start, e.Message));
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // What YamlDotNet throws for some files that are no YAML.
            problems.Add(Problem(text, parser.Current?.End ?? Mark.Empty, "what follows is no YAML"));
            return null;
        }
    }

    private static YamlNode Next(Parser parser, int depth)
    {
        var start = parser.Current!.Start;
        var (line, column) = ((int)start.Line, (int)start.Column);
        if (depth == MaxDepth)
            throw new SyntaxErrorException(start, start, "nothing here is nested so deeply");
        if (parser.Current is NodeEvent { Anchor.IsEmpty: false })
            throw new SyntaxErrorException(start, start, "anchors and aliases are not read: write the value out");
        if (parser.TryConsume<Scalar>(out var scalar))
            return new YamlText(line, column, scalar.Value);
        if (parser.TryConsume<AnchorAlias>(out var alias))
            throw new SyntaxErrorException(start, start, $"an unquoted '*' begins an alias: write \"*{alias.Value}\" in quotes");
        if (parser.TryConsume<SequenceStart>(out _))
        {
            var items = new List<YamlNode>();
            while (!parser.TryConsume<SequenceEnd>(out _))
                items.Add(Next(parser, depth + 1));
            return new YamlList(line, column, items);
        }
        parser.Consume<MappingStart>();
        var entries = new List<(YamlText, YamlNode)>();
        while (!parser.TryConsume<MappingEnd>(out _))
            entries.Add((Next(parser, depth + 1) as YamlText ?? throw new SyntaxErrorException(start, start, "a key is a word"), Next(parser, depth + 1)));
        return new YamlMap(line, column, entries);
    }

    private static PolicyProblem Problem(string text, Mark at, string message)
    {
        var lines = text.Split('\n');
        var (line, column) = (Math.Max(1, (int)at.Line), Math.Max(1, (int)at.Column));
        if (Array.FindIndex(lines, other => other.AsSpan(0, other.Length - other.AsSpan().TrimStart().Length).Contains('\t')) is var tab and >= 0)
            return new(tab + 1, 1, "lines are indented with spaces, not with tabs");
        return new(line, column, (lines.ElementAtOrDefault(line - 1)?.ElementAtOrDefault(column - 1)) switch
        {
            '*' when !message.Contains("alias: write", StringComparison.Ordinal) => "an unquoted '*' begins an alias: write \"*\" in quotes",
            '@' or '`' or '%' => "no unquoted word begins so: write it in quotes",
            _ => Oci.SafeText.OneLine(message.Trim().TrimEnd('.')),
        });
    }
}

/// <summary>A word, a number, or nothing.</summary>
internal sealed record YamlText(int Line, int Column, string Text) : YamlNode(Line, Column);

/// <summary>A list.</summary>
internal sealed record YamlList(int Line, int Column, IReadOnlyList<YamlNode> Items) : YamlNode(Line, Column);

/// <summary>Keys with their values, in the order of the file; a key may be there twice.</summary>
internal sealed record YamlMap(int Line, int Column, IReadOnlyList<(YamlText Key, YamlNode Value)> Entries) : YamlNode(Line, Column);
