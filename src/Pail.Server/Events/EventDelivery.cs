using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Pail.Buckets;
using Pail.Server.Running;

namespace Pail.Server.Events;

/// <summary>
/// Sends what <see cref="EventQueue"/> lines up: each webhook has its own line, in which the events of a server keep their order, and one that is down holds
/// up no other. Events that every webhook has are removed from the bucket.
/// </summary>
internal sealed class EventDelivery(RegistryServices services) : BackgroundService
{
    private readonly EventQueue _queue = services.Events!;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var sender = new WebhookSender(_queue.Options, services.Log, services.Time);
        await Task.WhenAll(_queue.Options.Hooks.Select((hook, index) => Task.Run(() => ServeAsync(sender, hook, _queue.Lines[index].Reader, stoppingToken), stoppingToken)));
    }

    private async Task ServeAsync(WebhookSender sender, Webhook hook, ChannelReader<QueuedEvents> line, CancellationToken cancel)
    {
        await foreach (var queued in line.ReadAllAsync(cancel))
        {
            foreach (var said in queued.Events.Where(hook.Wants))
                await sender.SendAsync(hook, said, cancel);
            if (queued.Done())
                await EndAsync(queued, cancel);
        }
    }

    private async Task EndAsync(QueuedEvents queued, CancellationToken cancel)
    {
        try
        {
            if (queued.Key is { } key)
                await EventObjects.RemoveAsync(services.Bucket, key, cancel);
        }
        catch (PailException e)
        {
            // It is sent once more by whoever finds it.
            services.Log.TaskFailed("removing events that were sent", e.Message.TrimEnd('.'));
            _queue.HasMoreInBucket = true;
        }
        _queue.Forget(queued);
    }
}
