using Pail.Oci;

namespace Pail.Cli.Commands;

/// <summary>Asks before much is changed at once.</summary>
internal static class Consent
{
    private const int MostShown = 20;

    /// <summary>Shows what is about to happen and asks; where nobody can be asked, it has to be said before.</summary>
    /// <param name="session">The run.</param>
    /// <param name="what">The addresses.</param>
    /// <param name="given">True if it was said before.</param>
    /// <param name="verb">What happens to them.</param>
    /// <exception cref="PailException">It is not wanted; nothing is changed.</exception>
    public static void Require(VerbRun session, IReadOnlyList<string> what, bool given, string verb)
    {
        if (given)
            return;
        var count = what.Count == 1 ? SafeText.OneLine(what[0], 400) : $"{what.Count} tags and manifests";
        if (!session.Terminal.CanAsk)
            throw new PailException(Failure.BadInput, $"This would {verb} {count}; nothing was done. Say --yes to do it, or --dry-run to see it.");
        foreach (var address in what.Take(MostShown))
            session.Terminal.Error.WriteLine($"  {address}");
        if (what.Count > MostShown)
            session.Terminal.Error.WriteLine($"  and {what.Count - MostShown} more; --dry-run shows all");
        if (session.Terminal.Ask($"{char.ToUpperInvariant(verb[0])}{verb[1..]} {count}? [y/N]", secret: false).Trim() is not ("y" or "Y" or "yes"))
            throw new PailException(Failure.BadInput, "Nothing was done.");
    }
}
