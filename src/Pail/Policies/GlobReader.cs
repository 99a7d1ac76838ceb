using System.Text;
using Pail.Oci;

namespace Pail.Policies;

/// <summary>Reads a pattern.</summary>
/// <param name="text">The pattern.</param>
/// <param name="isInName">Which characters names can have.</param>
/// <param name="groups">True if a part may stand in parentheses.</param>
internal sealed class GlobReader(string text, Func<char, bool> isInName, bool groups)
{
    private const int MaxLength = 300;

    private readonly List<GlobTokens> _parts = [new()];
    private int _at;

    private GlobTokens Part => _parts[^1];

    /// <summary>The pattern; where a part stands in parentheses, what is before, in and after them.</summary>
    /// <exception cref="FormatException">No name can match.</exception>
    public IReadOnlyList<GlobTokens> Read()
    {
        if (text.Length is 0 or > MaxLength)
            throw new FormatException($"a pattern has 1 to {MaxLength} characters");
        while (_at < text.Length)
            Next(text[_at]);
        return _parts.Count != 2 ? _parts : throw new FormatException("')' is missing");
    }

    private void Next(char c)
    {
        switch (c)
        {
            case '*':
                Stars();
                return;
            case '?':
                Part.Add("/", negated: true);
                break;
            case '[':
                Set();
                return;
            case '(' when groups && _parts.Count == 1:
            case ')' when _parts.Count == 2:
                _parts.Add(new());
                break;
            case '{':
                throw new FormatException("alternatives are written as a list, such as [\"a-*\", \"b-*\"]");
            case '(' or ')' when groups:
                throw new FormatException("one part may stand in parentheses, such as '(*)-*'");
            case '^' or '$' or '+' or '|' or '\\' or '(' or ')':
                throw new FormatException($"patterns are globs that match the whole name, not regular expressions: '*' is any characters, and '{c}' means nothing");
            default:
                if (!isInName(c))
                    throw new FormatException($"no name has '{SafeText.OneLine(c.ToString())}' in it");
                Part.Add(c.ToString());
                break;
        }
        _at++;
    }

    private void Stars()
    {
        var count = text.AsSpan(_at).IndexOfAnyExcept('*') is var end and >= 0 ? end : text.Length - _at;
        var segment = _at == 0 || text[_at - 1] == '/';
        _at += count;
        if (count > 2)
            throw new FormatException("'*' is any characters of one segment, '**' any characters");
        if (count == 1)
        {
            Part.AddStar();
        }
        else if (segment && _at < text.Length && text[_at] == '/')
        {
            Part.AddSegments();
            _at++;
        }
        else
        {
            Part.AddAny();
        }
    }

    private void Set()
    {
        var end = text.IndexOf(']', _at);
        var inside = end < 0 ? "" : text[(_at + 1)..end];
        var negated = inside is ['!' or '^', ..];
        var members = negated ? inside[1..] : inside;
        if (members.Length == 0 || members.Any(c => !isInName(c) || c == '/'))
            throw new FormatException("a set is written as [abc], [a-z] or [!a-z]");
        var set = new StringBuilder(negated ? "/" : "");
        for (var at = 0; at < members.Length; at++)
        {
            // A '-' at either end is itself; between two characters it makes a range of them.
            var last = at + 2 < members.Length && members[at + 1] == '-' ? members[at + 2] : members[at];
            if (members[at] > last)
                throw new FormatException($"'{members[at]}-{last}' is an empty range");
            for (var c = members[at]; c <= last; c++)
                set.Append(c);
            at += last == members[at] ? 0 : 2;
        }
        Part.Add(set.ToString(), negated);
        _at = end + 1;
    }
}
