using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Running;
using Pail.Server.Watching;

namespace Pail.Server.Events;

/// <summary>
/// Takes events: a request is answered once they are in the bucket, from where <see cref="EventDelivery"/> sends them. Events that come while others are
/// written share the next object: at most one PUT an event. If the bucket does not take them the request fails, and they are sent from memory all the same.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to release.")]
internal sealed class EventQueue(WebhookOptions options, Func<Bucket> bucket, ILogger log, TimeProvider time)
{
    // What waits beyond that is read from the bucket again when there is room.
    private const int MostInMemory = 10_000;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly HashSet<QueuedEvents> _waiting = [];
    private Batch? _next;
    private long _number;

    /// <summary>The webhooks.</summary>
    public WebhookOptions Options => options;

    /// <summary>What this server calls itself in keys: new with each start.</summary>
    public string Writer { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>What waits for each webhook, in order.</summary>
    public IReadOnlyList<Channel<QueuedEvents>> Lines { get; } = [.. options.Hooks.Select(_ => Channel.CreateUnbounded<QueuedEvents>())];

    /// <summary>Set while the bucket holds events of this server that are not in memory.</summary>
    public bool HasMoreInBucket { get; set; }

    /// <summary>How many events wait in memory.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _waiting.Sum(queued => queued.Events.Count);
        }
    }

    /// <summary>True if there is room for more in memory.</summary>
    public bool HasRoom
    {
        get
        {
            lock (_lock)
                return _waiting.Count < MostInMemory;
        }
    }

    /// <summary>What waits in memory now.</summary>
    public IReadOnlyList<QueuedEvents> Waiting()
    {
        lock (_lock)
            return [.. _waiting];
    }

    /// <summary>Takes what happened to an image through a request; returns when it is in the bucket. No request if no webhook wants it, else at most one PUT.</summary>
    /// <param name="context">The request.</param>
    /// <param name="action"><c>push</c>, <c>pull</c> or <c>delete</c>.</param>
    /// <param name="repository">Where.</param>
    /// <param name="manifest">The manifest.</param>
    /// <param name="tags">An event for each; null as one for the digest alone.</param>
    public async ValueTask AddAsync(HttpContext context, string action, RepositoryName repository, Descriptor manifest, IEnumerable<string?> tags)
    {
        var origin = Forwarding.Origin(context) is { Length: > 0 } outside ? outside : $"{context.Request.Scheme}://{SafeText.OneLine(context.Request.Host.Value, 260)}";
        var events = tags.Select(tag => new RegistryEvent(Guid.CreateVersion7(time.GetUtcNow()).ToString(), time.GetUtcNow(), action, repository.ToString(), tag, manifest.Digest.ToString(), manifest.MediaType, manifest.Size)
        {
            Actor = context.User.Identity?.Name,
            RequestId = context.Response.Headers[RequestIds.Header],
            Client = Forwarding.Client(context),
            Method = context.Request.Method,
            UserAgent = SafeText.OneLine(context.Request.Headers.UserAgent, 200),
            Origin = origin,
            Replica = Writer,
        }).Where(said => options.Hooks.Any(hook => hook.Wants(said))).ToList();
        if (events.Count > 0)
            await JoinAsync(events).WaitAsync(context.RequestAborted);
    }

    /// <summary>Lines events up that are in the bucket.</summary>
    public void Enqueue(QueuedEvents queued)
    {
        var wanting = Lines.Where((_, index) => queued.Events.Any(options.Hooks[index].Wants)).ToList();
        // Those that no webhook wants any more go the same way: the first one takes none of them.
        if (wanting.Count == 0)
            wanting.Add(Lines[0]);
        queued.Expect(wanting.Count);
        lock (_lock)
            _waiting.Add(queued);
        foreach (var line in wanting)
            line.Writer.TryWrite(queued);
    }

    /// <summary>Forgets events that every webhook has.</summary>
    public void Forget(QueuedEvents queued)
    {
        lock (_lock)
            _waiting.Remove(queued);
    }

    private Task JoinAsync(List<RegistryEvent> events)
    {
        lock (_lock)
        {
            _next ??= new Batch();
            _next.Events.AddRange(events);
            return _next.Written ??= WriteAsync(_next);
        }
    }

    // While one is written, those that come join the next.
    private async Task WriteAsync(Batch batch)
    {
        await Task.Yield();
        await _turn.WaitAsync();
        try
        {
            lock (_lock)
                _next = null;
            var key = EventObjects.KeyOf(Writer, time.GetUtcNow(), Interlocked.Increment(ref _number));
            try
            {
                await EventObjects.WriteAsync(bucket(), key, JsonSerializer.SerializeToUtf8Bytes(batch.Events, EventJson.Default.ListRegistryEvent), CancellationToken.None);
            }
            catch (PailException e)
            {
                log.EventsNotQueued(batch.Events.Count, e.Message.TrimEnd('.'));
                key = null;
                throw;
            }
            finally
            {
                ServerMetrics.Event("queued", batch.Events.Count);
                // In memory there is room for what the bucket does not take, too: there is no other place for it.
                if (HasRoom || key is null)
                    Enqueue(new(key, Writer, batch.Events, time.GetTimestamp()));
                else
                    HasMoreInBucket = true;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private sealed class Batch
    {
        public List<RegistryEvent> Events { get; } = [];

        public Task? Written { get; set; }
    }
}
