using System.Buffers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Http;
using Pail.Server.Routing;
using Pail.Server.Running;

namespace Pail.Server.Audit;

/// <summary>
/// Pushes, deletions, failed logins, denied requests and changes of rules: each a line in the log and, if asked, in objects of the bucket,
/// <c>pail/audit/DATE/HOUR-WRITER-N.jsonl</c>. This replica alone writes its objects, and each once: one PUT for an hour in which there was something, and
/// for each further MiB. While the bucket takes none, 16 MiB are kept; then events are counted and not kept.
/// </summary>
/// <param name="log">The log.</param>
/// <param name="time">The clock.</param>
/// <param name="keeps">True to keep them for the bucket.</param>
internal sealed class AuditTrail(ILogger log, TimeProvider time, bool keeps)
{
    private const int MaxObject = 1 << 20;
    private const int MaxWaiting = 16;

    private readonly string _writer = RandomNumberGenerator.GetHexString(12, lowercase: true);
    private readonly Lock _lock = new();
    private readonly Queue<(string Key, byte[] Lines)> _waiting = new();
    private readonly ArrayBufferWriter<byte> _lines = new();
    private DateTimeOffset _hour;
    private int _number;
    private long _lost;

    /// <summary>Looks at a request that was answered.</summary>
    public void Observe(HttpContext context, string id)
    {
        var (request, response, mark) = (context.Request, context.Response, context.Features.Get<AuditMark>());
        var digest = response.Headers[HeaderValues.DigestName].ToString();
        var kind = mark?.Kind ?? (request.Method, response.StatusCode) switch
        {
            ("PUT" or "POST" or "PATCH", StatusCodes.Status201Created) when digest.Length > 0 => "push",
            ("DELETE", StatusCodes.Status202Accepted) => "delete",
            _ => null,
        };
        if (kind is null)
            return;
        var route = RegistryRequest.Parse(request.Method, request.Path.Value ?? "", out var parsed) is null ? parsed.Route : null;
        Add(new(time.GetUtcNow(), kind)
        {
            Id = id,
            Client = Forwarding.Client(context),
            User = context.User.Identity?.Name ?? mark?.User,
            Agent = SafeText.OneLine(request.Headers.UserAgent),
            Repository = (mark?.Image?.Repository ?? route?.Scope)?.ToString(),
            Reference = mark?.Image?.Reference.ToString() ?? route switch { RegistryRoute.ManifestOf { Reference: var reference } => reference.ToString(), RegistryRoute.Blob { Digest: var blob } => blob.ToString(), _ => null },
            Digest = digest,
            Status = response.StatusCode,
            Detail = mark is null ? string.Join(' ', request.Query["tag"].Where(tag => Oci.Reference.TryParse(tag, out var read) && read.Tag is not null).Select(tag => $"tag={tag}")) : $"{request.Method} {(route is null ? SafeText.OneLine(request.Path.Value, 40) : route.GetType().Name)}",
        });
    }

    /// <summary>Rules or users are others than before.</summary>
    /// <param name="kind"><c>rules</c> or <c>users</c>.</param>
    /// <param name="what">Which.</param>
    public void Changed(string kind, string what) => Add(new(time.GetUtcNow(), kind) { Detail = what });

    /// <summary>Writes what is due to the bucket: hours that are over, and objects that are full; at the end everything.</summary>
    /// <exception cref="PailException">The store failed; the next call goes on where this one ended.</exception>
    public async Task FlushAsync(Bucket bucket, bool end, CancellationToken cancel)
    {
        lock (_lock)
            if (end || HourOf(time.GetUtcNow()) > _hour)
                Close();
        while (true)
        {
            (string Key, byte[] Lines) next;
            lock (_lock)
                if (!_waiting.TryPeek(out next))
                    return;
            await AuditObjects.WriteAsync(bucket, next.Key, next.Lines, cancel);
            lock (_lock)
                // Two that flush at once write the same object twice.
                if (_waiting.TryPeek(out var first) && first.Key == next.Key)
                    _waiting.Dequeue();
        }
    }

    private void Add(AuditEvent said)
    {
        log.Audited(said.Kind, said.Id, said.Client, said.User, said.Agent, said.Repository, said.Reference, said.Digest is { Length: > 0 } digest ? digest : null, said.Status, said.Detail is { Length: > 0 } detail ? detail : null);
        if (!keeps)
            return;
        lock (_lock)
        {
            if (HourOf(said.Time) > _hour)
                Close();
            if (_waiting.Count >= MaxWaiting)
            {
                _lost++;
                return;
            }
            if (_lines.WrittenCount == 0)
                _hour = HourOf(said.Time);
            if (_lost > 0)
                new AuditEvent(said.Time, "lost") { Detail = $"{_lost} events" }.Write(_lines);
            _lost = 0;
            said.Write(_lines);
            if (_lines.WrittenCount >= MaxObject)
                Close();
        }
    }

    private void Close()
    {
        if (_lines.WrittenCount == 0)
            return;
        _waiting.Enqueue(($"{AuditObjects.Prefix}{_hour:yyyy-MM-dd/HH}-{_writer}-{_number++:0000}.jsonl", _lines.WrittenSpan.ToArray()));
        _lines.ResetWrittenCount();
    }

    private static DateTimeOffset HourOf(DateTimeOffset at) => new(at.UtcDateTime.Date.AddHours(at.UtcDateTime.Hour), TimeSpan.Zero);
}
