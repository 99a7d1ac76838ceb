using Pail.Cli.Output;
using Pail.Oci;
using Pail.Removal;

namespace Pail.Cli.Commands;

/// <summary>What a removal did, told at its end.</summary>
internal sealed class RemovalOutcome(VerbRun session)
{
    private readonly List<string> _removed = [];
    private readonly List<string> _kept = [];
    private readonly List<(string Image, PailException Why)> _failed = [];

    /// <summary>How many names were dropped from static lists that were there no more.</summary>
    public int Mended { get; private set; }

    /// <summary>Adds what was done in a bucket.</summary>
    public void Add(string prefix, RemovalReport report)
    {
        foreach (var image in report.Removed)
            Removed(prefix + image);
        foreach (var image in report.Kept)
        {
            _kept.Add(prefix + image);
            session.Say($"{prefix}{image} stays: it, or a tag beside it, was pushed meanwhile");
        }
        foreach (var (what, why) in report.Failed)
            Failed(prefix + what, why);
        Mended += report.Mended;
    }

    /// <summary>Something is gone.</summary>
    public void Removed(string image)
    {
        _removed.Add(image);
        session.Say($"removed {image}");
    }

    /// <summary>Something was not removed.</summary>
    public void Failed(string image, PailException why)
    {
        _failed.Add((image, why));
        session.Terminal.Fail(ExitCode.Of(why.Failure), $"{image} was not removed: {SafeText.OneLine(why.Message, 1000)}", why);
    }

    /// <summary>Tells the result.</summary>
    /// <param name="planned">What would be removed, of a dry run; null for what was.</param>
    /// <param name="notes">What stays, and why.</param>
    /// <exception cref="PailException">Not all was removed.</exception>
    public void Tell(IReadOnlyList<string>? planned, IReadOnlyList<string> notes)
    {
        session.Result(
            new RemovalResult(planned ?? _removed, session.Cost)
            {
                DryRun = planned is null ? null : true,
                Notes = notes.Count > 0 ? notes : null,
                Kept = _kept.Count > 0 ? _kept : null,
                Failed = _failed.Count > 0 ? [.. _failed.Select(item => new RemovalFailure(item.Image, SafeText.OneLine(item.Why.Message, 1000)))] : null,
            },
            ResultsJson.Plain.RemovalResult,
            lines =>
            {
                foreach (var image in planned ?? [])
                    lines.WriteLine(image);
            });
        if (_failed is [var first, ..])
            throw new PailException(first.Why.Failure, $"{_failed.Count} of {_failed.Count + _removed.Count} not removed; why is said above.");
    }
}
