using System.Numerics;
using Semver;

namespace Pail.Retention;

/// <summary>Applies one entry to the tags that its rule is about.</summary>
internal sealed class KeepSelection(KeepEntry entry, RepositoryFacts repository, DateTimeOffset now)
{
    /// <summary>The tags that the entry keeps.</summary>
    public IEnumerable<TagFacts> Of(IReadOnlyList<TagFacts> tags)
    {
        if (entry.Alias)
            return [];
        if (entry.InUse)
            return repository.InUseKnown ? [] : tags;
        var candidates = tags.Where(Meets).Select(Candidate.Of).Where(candidate => !entry.ReadsVersions || candidate.Version is not null);
        if (entry.Range is { } range)
            candidates = candidates.Where(candidate => range.Contains(candidate.Version!));
        if (entry.Majors is { } majors)
            candidates = OfMajors([.. candidates], majors);
        return Groups([.. candidates]).SelectMany(Choose);
    }

    private bool Meets(TagFacts tag) => entry.Tags.Matches(tag.Tag)
        && (entry.NewerThan is not { } age || Since(age) <= tag.Pushed)
        && (entry.PulledWithin is not { } window || IsPulledWithin(tag, window));

    // A push counts as a pull: what was just pushed is about to be pulled. Records that do not reach back that far can't say that nobody pulled.
    private bool IsPulledWithin(TagFacts tag, TimeSpan window) =>
        !(repository.PullsSince <= Since(window)) || tag.Pulled >= Since(window) || tag.Pushed >= Since(window);

    private DateTimeOffset Since(TimeSpan age) => now - DateTimeOffset.MinValue > age ? now - age : DateTimeOffset.MinValue;

    private static IEnumerable<Candidate> OfMajors(List<Candidate> candidates, int majors)
    {
        var highest = candidates.Select(candidate => candidate.Version!.Major).Distinct().OrderDescending().Take(majors).ToHashSet();
        return candidates.Where(candidate => highest.Contains(candidate.Version!.Major));
    }

    // A tag that several patterns match counts in each of their groups; one that none matches, in none.
    private IEnumerable<IEnumerable<Candidate>> Groups(List<Candidate> candidates)
    {
        if (entry.VersionParts > 0)
            return candidates.GroupBy(candidate => (candidate.Version!.Major, entry.VersionParts > 1 ? candidate.Version.Minor : BigInteger.Zero));
        return entry.Groups.Count == 0
            ? [candidates]
            : entry.Groups.SelectMany(glob => candidates.Where(candidate => glob.Matches(candidate.Facts.Tag)).GroupBy(candidate => glob.GroupOf(candidate.Facts.Tag)));
    }

    private IEnumerable<TagFacts> Choose(IEnumerable<Candidate> group) => entry.Choice switch
    {
        KeepChoice.Last => Newest(group.Select(candidate => candidate.Facts)).Take(entry.Count),
        KeepChoice.LastImages => Images(group, tag => tag.Pushed),
        // Without records every image may be the one pulled last.
        KeepChoice.LastPulled when repository.PullsSince is null => group.Select(candidate => candidate.Facts),
        KeepChoice.LastPulled => Images(group, tag => tag.Pulled ?? DateTimeOffset.MinValue),
        KeepChoice.Highest => group.GroupBy(candidate => candidate.Version!.WithoutMetadata())
            .OrderByDescending(version => version.Key, SemVersion.PrecedenceComparer).Take(entry.Count).SelectMany(version => version).Select(candidate => candidate.Facts),
        _ => group.Select(candidate => candidate.Facts),
    };

    private IEnumerable<TagFacts> Images(IEnumerable<Candidate> group, Func<TagFacts, DateTimeOffset> time) => group.Select(candidate => candidate.Facts)
        .GroupBy(tag => tag.Digest)
        .OrderByDescending(image => image.Max(time)).ThenByDescending(image => image.Max(tag => tag.Pushed)).ThenByDescending(image => image.Key.ToString(), StringComparer.Ordinal)
        .Take(entry.Count).SelectMany(image => image);

    // Of tags written in the same moment the later in the order of characters counts as the newer one, so that the result is one.
    private static IOrderedEnumerable<TagFacts> Newest(IEnumerable<TagFacts> tags) =>
        tags.OrderByDescending(tag => tag.Pushed).ThenByDescending(tag => tag.Tag, StringComparer.Ordinal);

    private sealed record Candidate(TagFacts Facts, SemVersion? Version)
    {
        public static Candidate Of(TagFacts tag) => new(tag, TagVersion.TryParse(tag.Tag, out var version) ? version : null);
    }
}
