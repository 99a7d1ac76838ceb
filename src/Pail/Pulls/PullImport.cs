using System.IO.Compression;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Oci;

namespace Pail.Pulls;

/// <summary>
/// Reads pull times from access logs of S3 and CloudFront. Reading the same logs again leaves the same records; parts of them, in any order, end with the same answers.
/// </summary>
/// <param name="bucket">The bucket that was pulled from.</param>
/// <param name="name">Its name in the logs; null to take every record for it.</param>
/// <param name="prefix">What its keys begin with in the store; may be missing in paths of CloudFront.</param>
internal sealed class PullImport(Bucket bucket, string? name, string prefix)
{
    private const int MaxLine = 1 << 20;

    private readonly PullRecords _records = new();

    /// <summary>Lines read.</summary>
    public long Lines { get; private set; }

    /// <summary>Lines that are of no log that is known.</summary>
    public long Unknown { get; private set; }

    /// <summary>Manifests pulled from this bucket.</summary>
    public long Pulls { get; private set; }

    /// <summary>How many tags and digests they were.</summary>
    public int References => _records.Count;

    /// <summary>The time of the first GET from this bucket; null if there is none.</summary>
    public DateTimeOffset? First { get; private set; }

    /// <summary>The time of the last GET from this bucket; null if there is none.</summary>
    public DateTimeOffset? Last { get; private set; }

    /// <summary>Reads a file, or the files below a folder, as they are or compressed with gzip. Memory does not depend on their size.</summary>
    /// <exception cref="PailException">A file is no such log.</exception>
    public async Task ReadAsync(string path, CancellationToken cancel = default)
    {
        if (!Directory.Exists(path))
        {
            await using var stream = File.OpenRead(path);
            await ReadAsync(stream, path, cancel);
            return;
        }
        foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            await ReadAsync(file, cancel);
    }

    /// <summary>Reads a log, as it is or compressed with gzip.</summary>
    public async Task ReadAsync(Stream log, string shownAs, CancellationToken cancel = default)
    {
        var head = new byte[2];
        var length = await log.ReadAtLeastAsync(head, 2, throwOnEndOfStream: false, cancel);
        Stream whole = new JoinedStream(head[..length], log);
        if (head is [0x1f, 0x8b])
            whole = new GZipStream(whole, CompressionMode.Decompress);
        var (format, before) = (new AccessLog(), (Lines, Unknown));
        try
        {
            await foreach (var line in TextLines.ReadAsync(whole, MaxLine, cancel))
                Add(format, line);
        }
        catch (InvalidDataException e)
        {
            throw new PailException(Failure.BadContent, $"{SafeText.OneLine(shownAs)}: {SafeText.OneLine(e.Message)}", e);
        }
        if (Lines > before.Lines && Lines - before.Lines == Unknown - before.Unknown)
            throw new PailException(Failure.BadContent, $"{SafeText.OneLine(shownAs)}: no line of it is of an access log of S3 or CloudFront.");
    }

    /// <summary>Writes what was read: for each hour that something was last pulled in, one GET, and one PUT unless it is known.</summary>
    public async Task WriteAsync(CancellationToken cancel = default)
    {
        if (First is not { } first)
            return;
        var hours = _records.ByHour().ToDictionary(pair => pair.Hour, pair => pair.Records);
        // Says since when pulls are known, also if all of them were pulled again later.
        hours.TryAdd(PullKeys.HourOf(first), new());
        foreach (var (hour, records) in hours.OrderBy(pair => pair.Key))
        {
            var key = PullKeys.Of(hour, PullKeys.Imported);
            await SmallObject.UpdateAsync(bucket.Store, key, V2Layout.ListHeaders, PullKeys.MaxSize, await bucket.Conditions.KnowAsync(cancel), current =>
            {
                var merged = current is { } found ? PullRecords.Read(found, $"{bucket.Name}: {key}") : new();
                merged.Merge(records);
                var next = merged.Write();
                return current?.Span.SequenceEqual(next) == true ? null : next;
            }, cancel);
        }
    }

    private void Add(AccessLog format, string line)
    {
        Lines++;
        var kind = format.Read(line, out var get);
        Unknown += kind == LogLine.Unknown ? 1 : 0;
        if (kind != LogLine.Get || (name is not null && get.Bucket is not null && get.Bucket != name))
            return;
        First = First <= get.Time ? First : get.Time;
        Last = Last >= get.Time ? Last : get.Time;
        var key = get.Key.StartsWith(prefix, StringComparison.Ordinal) ? get.Key[prefix.Length..] : get.Bucket is null ? get.Key : "";
        if (bucket.Layout.Read(key) is not { Kind: KeyKind.Tag or KeyKind.Manifest, Repository: { } repository } meaning)
            return;
        Pulls++;
        _records.Record(repository, meaning.Digest is { } digest ? Reference.Of(digest) : Reference.Parse(meaning.Tag), get.Time);
    }
}
