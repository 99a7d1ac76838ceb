using System.Buffers;

namespace Pail.Policies;

/// <summary>A part of a pattern, and the places of a name that it can reach: no step goes back, so that no pattern takes long.</summary>
internal sealed class GlobTokens
{
    private readonly List<Token> _tokens = [];

    private enum Kind
    {
        Set,
        Star,
        Any,
        Segments,
    }

    /// <summary>The places before the first step: the beginning of the name alone.</summary>
    public static bool[] Begin(string name)
    {
        var at = new bool[name.Length + 1];
        at[0] = true;
        return at;
    }

    /// <summary>One of these characters, or with <paramref name="negated"/> any but these.</summary>
    public void Add(string characters, bool negated = false) => _tokens.Add(new(Kind.Set, SearchValues.Create(characters), negated));

    /// <summary>Any characters but a slash.</summary>
    public void AddStar() => _tokens.Add(new(Kind.Star));

    /// <summary>Any characters.</summary>
    public void AddAny() => _tokens.Add(new(Kind.Any));

    /// <summary>Any characters that end with a slash, or nothing.</summary>
    public void AddSegments() => _tokens.Add(new(Kind.Segments));

    /// <summary>Goes from the places to those that this part reaches from one of them.</summary>
    public void Step(string name, bool[] at)
    {
        foreach (var token in _tokens)
            token.Step(name, at);
    }

    /// <summary>The places from which this part reaches the end. For tags: not with <see cref="AddSegments"/>.</summary>
    public bool[] Suffixes(string name)
    {
        var reversed = new string([.. name.Reverse()]);
        var at = Begin(reversed);
        foreach (var token in Enumerable.Reverse(_tokens))
            token.Step(reversed, at);
        Array.Reverse(at);
        return at;
    }

    private sealed record Token(Kind Kind, SearchValues<char>? Characters = null, bool Negated = false)
    {
        public void Step(string name, bool[] at)
        {
            var (before, seen) = (false, false);
            for (var place = 0; place < at.Length; place++)
            {
                var here = at[place];
                var last = place == 0 ? '/' : name[place - 1];
                at[place] = Kind switch
                {
                    Kind.Set => before && Characters!.Contains(last) != Negated,
                    Kind.Star => here || (place > 0 && at[place - 1] && last != '/'),
                    Kind.Any => here || (place > 0 && at[place - 1]),
                    _ => here || (place > 0 && seen && last == '/'),
                };
                (before, seen) = (here, seen || here);
            }
        }
    }
}
