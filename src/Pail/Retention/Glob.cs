using System.Text;
using System.Text.RegularExpressions;
using Pail.Oci;

namespace Pail.Retention;

/// <summary>
/// A pattern that a whole name must match: <c>*</c> is any characters of one segment, <c>**</c> any characters, <c>?</c> one,
/// <c>[a-z]</c> and <c>[!a-z]</c> one of a set. <c>**/</c> at the beginning of a segment is also nothing at all.
/// </summary>
internal sealed class Glob
{
    private const int MaxLength = 300;

    private readonly string _text;
    private readonly Regex _regex;

    private Glob(string text, Regex regex) => (_text, _regex) = (text, regex);

    /// <summary>Reads a pattern for repository names.</summary>
    /// <exception cref="FormatException">It can match no repository name; the message says what to write instead.</exception>
    public static Glob OfRepositories(string text)
    {
        if (text.AsSpan().ContainsAnyInRange('A', 'Z'))
            throw new FormatException($"repository names have no capital letters: write '{SafeText.OneLine(text.ToLowerInvariant())}'");
        if (text.AsSpan().ContainsAny(':', '@'))
            throw new FormatException($"a repository is expected, without tag or digest: write '{SafeText.OneLine(text[..text.AsSpan().IndexOfAny(':', '@')])}'");
        if (text.StartsWith('/') || text.EndsWith('/') || text.Contains("//", StringComparison.Ordinal))
            throw new FormatException($"no repository name has an empty segment: write '{SafeText.OneLine(string.Join('/', text.Split('/', StringSplitOptions.RemoveEmptyEntries)))}'");
        return new GlobReader(text, IsInRepository, groups: false).Read();
    }

    /// <summary>Reads a pattern for tags.</summary>
    /// <param name="text">The pattern.</param>
    /// <param name="groups">True if a part of it may stand in parentheses: what <see cref="GroupOf"/> returns.</param>
    /// <exception cref="FormatException">It can match no tag; the message says what to write instead.</exception>
    public static Glob OfTags(string text, bool groups = false)
    {
        if (text is ['.' or '-', ..])
            throw new FormatException(text.StartsWith(".*", StringComparison.Ordinal)
                ? $"patterns are globs, not regular expressions: write '{SafeText.OneLine(text[1..])}'"
                : $"no tag begins with '{text[0]}'");
        return new GlobReader(text, IsInTag, groups).Read();
    }

    /// <summary>True if the whole name matches.</summary>
    public bool Matches(string name) => _regex.IsMatch(name);

    /// <summary>The part of a matching tag that stands in parentheses, as long as it can be; empty if there are none; null if the tag does not match.</summary>
    public string? GroupOf(string tag) => _regex.Match(tag) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>The pattern as it was written.</summary>
    public override string ToString() => _text;

    private static bool IsInRepository(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-' or '/';

    private static bool IsInTag(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';

    private sealed class GlobReader(string text, Func<char, bool> isInName, bool groups)
    {
        private readonly StringBuilder _regex = new(@"\A");
        private int _at;
        private int _opened;
        private bool _open;

        public Glob Read()
        {
            if (text.Length is 0 or > MaxLength)
                throw new FormatException($"a pattern has 1 to {MaxLength} characters");
            while (_at < text.Length)
                Next(text[_at]);
            if (_open)
                throw new FormatException("')' is missing");
            return new Glob(text, new Regex(_regex.Append(@"\z").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
        }

        private void Next(char c)
        {
            switch (c)
            {
                case '*':
                    Stars();
                    return;
                case '?':
                    _regex.Append("[^/]");
                    break;
                case '[':
                    Set();
                    return;
                case '(' when groups && _opened == 0:
                    (_opened, _open) = (1, true);
                    _regex.Append('(');
                    break;
                case ')' when _open:
                    _open = false;
                    _regex.Append(')');
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
                    _regex.Append(Regex.Escape(c.ToString()));
                    break;
            }
            _at++;
        }

        private void Stars()
        {
            var count = text.AsSpan(_at).IndexOfAnyExcept('*') is var end and >= 0 ? end : text.Length - _at;
            var segment = _at == 0 || text[_at - 1] == '/';
            _at += count;
            if (count == 1)
                _regex.Append("[^/]*");
            else if (count > 2)
                throw new FormatException("'*' is any characters of one segment, '**' any characters");
            else if (segment && _at < text.Length && text[_at] == '/')
                (_, _at) = (_regex.Append("(?:.*/)?"), _at + 1);
            else
                _regex.Append(".*");
        }

        private void Set()
        {
            var end = text.IndexOf(']', _at);
            var inside = end < 0 ? "" : text[(_at + 1)..end];
            var negated = inside is ['!' or '^', ..];
            var members = negated ? inside[1..] : inside;
            if (members.Length == 0 || members.Any(c => !isInName(c) || c == '/'))
                throw new FormatException("a set is written as [abc], [a-z] or [!a-z]");
            // A '-' at either end is itself; between two characters it makes a range of them.
            var set = new StringBuilder(negated ? "[^/" : "[");
            for (var at = 0; at < members.Length; at++)
            {
                var range = at + 2 < members.Length && members[at + 1] == '-';
                if (range && members[at] > members[at + 2])
                    throw new FormatException($"'{members[at]}-{members[at + 2]}' is an empty range");
                set.Append(members[at] == '-' ? @"\-" : members[at].ToString());
                if (range)
                    set.Append('-').Append(members[at + 2] == '-' ? @"\-" : members[at + 2].ToString());
                at += range ? 2 : 0;
            }
            _regex.Append(set).Append(']');
            _at = end + 1;
        }
    }
}
