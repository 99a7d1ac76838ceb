using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Buckets;
using Pail.Oci;

namespace Pail.Pulls;

/// <summary>
/// When what was last pulled. Bounded: past <see cref="MaxReferences"/> a pull counts for its whole repository, past
/// <see cref="MaxRepositories"/> for all of them. Then more seems to be in use than is; never less. Not for several threads.
/// </summary>
internal sealed class PullRecords
{
    /// <summary>The most tags and digests remembered, some 10 MB.</summary>
    public const int MaxReferences = 50_000;

    /// <summary>The most repositories remembered.</summary>
    public const int MaxRepositories = 10_000;

    private const string Any = "*";

    private readonly Dictionary<string, Dictionary<string, DateTimeOffset>> _pulls = [];
    private int _references;

    /// <summary>True if nothing is recorded.</summary>
    public bool IsEmpty => _pulls.Count == 0;

    /// <summary>How many tags, digests and repositories are recorded.</summary>
    public int Count => _pulls.Values.Sum(repository => repository.Count);

    /// <summary>Records a pull; the latest of one reference counts.</summary>
    public void Record(RepositoryName repository, Reference reference, DateTimeOffset time) => Record(repository.ToString(), reference.ToString(), time);

    /// <summary>Records all that others recorded.</summary>
    public void Merge(PullRecords other)
    {
        foreach (var (repository, references) in other._pulls)
            foreach (var (reference, time) in references)
                Record(repository, reference, time);
    }

    /// <summary>When a tag was last pulled, by itself or by the digest it names; null if that was not seen.</summary>
    public DateTimeOffset? LastPull(RepositoryName repository, string tag, Digest digest)
    {
        DateTimeOffset? last = null;
        foreach (var (name, reference) in new[] { (repository.ToString(), tag), (repository.ToString(), digest.ToString()), (repository.ToString(), Any), (Any, Any) })
            if (_pulls.GetValueOrDefault(name)?.TryGetValue(reference, out var time) == true && !(time <= last))
                last = time;
        return last;
    }

    /// <summary>The same records by the hour of each.</summary>
    public IEnumerable<(DateTimeOffset Hour, PullRecords Records)> ByHour()
    {
        var hours = new SortedDictionary<DateTimeOffset, PullRecords>();
        foreach (var (repository, references) in _pulls)
            foreach (var (reference, time) in references)
            {
                if (!hours.TryGetValue(PullKeys.HourOf(time), out var records))
                    hours[PullKeys.HourOf(time)] = records = new();
                records.Record(repository, reference, time);
            }
        return hours.Select(pair => (pair.Key, pair.Value));
    }

    /// <summary>Writes them: the same records, the same bytes.</summary>
    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(
        new PullFile(1, new(_pulls.ToDictionary(pair => pair.Key, pair => new SortedDictionary<string, DateTimeOffset>(pair.Value, StringComparer.Ordinal)), StringComparer.Ordinal)),
        PullJson.Default.PullFile);

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="bytes">The object.</param>
    /// <param name="name">What it is called in the error.</param>
    /// <exception cref="PailException">It is something else.</exception>
    public static PullRecords Read(ReadOnlyMemory<byte> bytes, string name)
    {
        try
        {
            if (JsonSerializer.Deserialize(bytes.Span, PullJson.Default.PullFile) is not { Version: 1, Pulls: { } pulls })
                throw new PailException(Failure.BadContent, $"{name} is of a newer Pail. Update this one.");
            var records = new PullRecords();
            foreach (var (repository, references) in pulls)
                foreach (var (reference, time) in references ?? [])
                    records.Record(repository, reference, time);
            return records;
        }
        catch (JsonException e)
        {
            throw new PailException(Failure.BadContent, $"{name} is not valid: {SafeText.OneLine(e.Message)}", e);
        }
    }

    private void Record(string repository, string reference, DateTimeOffset time)
    {
        // Whole seconds, the later one: a record is never older than the pull.
        var second = new DateTimeOffset((time.UtcTicks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, TimeSpan.Zero);
        if (!_pulls.TryGetValue(repository, out var references))
        {
            if (repository != Any && _pulls.Count - (_pulls.ContainsKey(Any) ? 1 : 0) >= MaxRepositories)
                (repository, reference) = (Any, Any);
            if (!_pulls.TryGetValue(repository, out references))
                _pulls[repository] = references = [];
        }
        if (!references.ContainsKey(reference) && reference != Any)
        {
            if (_references >= MaxReferences)
                reference = Any;
            else
                _references++;
        }
        if (!(references.GetValueOrDefault(reference) >= second))
            references[reference] = second;
    }
}

/// <summary>An object of pull times: by repository, then by tag or digest; <c>*</c> for all of them.</summary>
internal sealed record PullFile(int Version, SortedDictionary<string, SortedDictionary<string, DateTimeOffset>> Pulls);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PullFile))]
internal sealed partial class PullJson : JsonSerializerContext;
