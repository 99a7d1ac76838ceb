using System.Globalization;

namespace Pail.Pulls;

/// <summary>A request that a log tells of.</summary>
/// <param name="Time">When.</param>
/// <param name="Bucket">The bucket; null where the log doesn't say.</param>
/// <param name="Key">The key that was read, or the path that was asked for, without a slash before it.</param>
internal readonly record struct LoggedGet(DateTimeOffset Time, string? Bucket, string Key);

/// <summary>What a line of a log is.</summary>
internal enum LogLine
{
    /// <summary>No line of such a log.</summary>
    Unknown,

    /// <summary>Something that is not a successful GET.</summary>
    Other,

    /// <summary>A GET that was answered.</summary>
    Get,
}

/// <summary>Reads the lines of access logs of S3 and of CloudFront. One reader for each file: CloudFront names its fields in the file.</summary>
internal sealed class AccessLog
{
    private string[]? _fields;

    /// <summary>Reads a line.</summary>
    public LogLine Read(string line, out LoggedGet get)
    {
        get = default;
        if (line.StartsWith("#Fields:", StringComparison.Ordinal))
        {
            _fields = line["#Fields:".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return LogLine.Other;
        }
        if (line.StartsWith('#') || string.IsNullOrWhiteSpace(line))
            return LogLine.Other;
        return _fields is null ? ReadS3(line, out get) : ReadCloudFront(line, out get);
    }

    // Source: Amazon S3 User Guide, "Amazon S3 server access log format": the first ten fields.
    private static LogLine ReadS3(string line, out LoggedGet get)
    {
        get = default;
        var fields = new string[10];
        var at = 0;
        for (var field = 0; field < fields.Length; field++)
        {
            if (at >= line.Length)
                return LogLine.Unknown;
            var quote = line[at] switch { '"' => '"', '[' => ']', _ => ' ' };
            var start = quote == ' ' ? at : at + 1;
            // The request line is quoted; a quote within it is not followed by a space and the status.
            var end = quote == '"' ? line.IndexOf("\" ", start, StringComparison.Ordinal) : line.IndexOf(quote, start);
            if (end < 0)
                return LogLine.Unknown;
            fields[field] = line[start..end];
            at = quote == ' ' ? end + 1 : end + 2;
        }
        if (!DateTimeOffset.TryParseExact(fields[2].Replace(" +0000", "", StringComparison.Ordinal), "dd/MMM/yyyy:HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return LogLine.Unknown;
        if (fields[6] is not ("REST.GET.OBJECT" or "WEBSITE.GET.OBJECT") || !IsAnswered(fields[9]))
            return LogLine.Other;
        get = new(time, fields[1], Decode(fields[7]));
        return LogLine.Get;
    }

    // Source: Amazon CloudFront Developer Guide, "Standard log file format".
    private LogLine ReadCloudFront(string line, out LoggedGet get)
    {
        get = default;
        var values = line.Split('\t');
        string? Of(string name) => Array.IndexOf(_fields!, name) is var at and >= 0 && at < values.Length ? values[at] : null;
        if (!DateTimeOffset.TryParseExact($"{Of("date")} {Of("time")}", "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            || Of("cs-method") is not { } method || Of("cs-uri-stem") is not { } path || Of("sc-status") is not { } status)
            return LogLine.Unknown;
        if (method != "GET" || !IsAnswered(status))
            return LogLine.Other;
        get = new(time, null, Decode(path).TrimStart('/'));
        return LogLine.Get;
    }

    // 304: the client has it, and is about to use it.
    private static bool IsAnswered(string status) => status is "200" or "206" or "304";

    // S3 encodes what the request encoded once more. No key of Pail's has a percent sign.
    private static string Decode(string key)
    {
        for (var times = 0; times < 3 && key.Contains('%', StringComparison.Ordinal); times++)
            key = Uri.UnescapeDataString(key);
        return key;
    }
}
