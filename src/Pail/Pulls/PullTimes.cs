using System.Buffers;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Pulls;

/// <summary>
/// Keeps the pull times that one server sees: in memory while an hour lasts, then in an object of that hour which nobody else writes. A server
/// that is killed forgets at most an hour. Safe for several threads.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class PullTimes(TimeProvider time)
{
    // A bucket that takes no writes for longer than this gets fewer, larger objects.
    private const int MaxHours = 4;

    private readonly string _writer = $"{Guid.NewGuid():n}";
    private readonly Lock _lock = new();
    private readonly SortedDictionary<DateTimeOffset, PullRecords> _hours = [];

    /// <summary>Records that a manifest is pulled now, by the tag or digest it was asked for. No request.</summary>
    public void Record(RepositoryName repository, Reference reference)
    {
        var now = time.GetUtcNow();
        lock (_lock)
            RecordsOf(PullKeys.HourOf(now)).Record(repository, reference, now);
    }

    /// <summary>Writes the hours that are over; at the end also the one that is not. One PUT for each: at most one an hour, and one at the end.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="end">True if no more pulls will be recorded.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="PailException">The bucket took no write; what was not written is kept for the next time.</exception>
    public async Task FlushAsync(Bucket bucket, bool end, CancellationToken cancel = default)
    {
        while (Take(end) is var (hour, records))
        {
            try
            {
                await bucket.Store.PutAsync(PullKeys.Of(hour, _writer), new ReadOnlySequence<byte>(records.Write()), V2Layout.ListHeaders, PutCondition.None, cancel);
            }
            catch
            {
                lock (_lock)
                    RecordsOf(hour).Merge(records);
                throw;
            }
        }
    }

    private (DateTimeOffset Hour, PullRecords Records)? Take(bool end)
    {
        lock (_lock)
        {
            if (_hours.Count == 0 || (!end && _hours.First().Key >= PullKeys.HourOf(time.GetUtcNow())))
                return null;
            var (hour, records) = _hours.First();
            _hours.Remove(hour);
            return (hour, records);
        }
    }

    private PullRecords RecordsOf(DateTimeOffset hour)
    {
        if (_hours.TryGetValue(hour, out var records))
            return records;
        _hours[hour] = records = new();
        if (_hours.Count > MaxHours)
        {
            // A record carries its own time: the object of a later hour may hold those of an earlier one.
            var (oldest, next) = (_hours.ElementAt(0), _hours.ElementAt(1));
            next.Value.Merge(oldest.Value);
            _hours.Remove(oldest.Key);
        }
        return records;
    }
}
