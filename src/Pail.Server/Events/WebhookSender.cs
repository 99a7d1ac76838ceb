using System.Globalization;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;
using Pail.Server.Running;
using Pail.Server.Watching;

namespace Pail.Server.Events;

/// <summary>Sends events to webhooks, one after the other each, again and again until they are taken or too old.</summary>
internal sealed class WebhookSender(WebhookOptions options, ILogger log, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // A redirect would carry headers and signature to where nobody said.
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(10), PooledConnectionLifetime = TimeSpan.FromMinutes(1), ActivityHeadersPropagator = null })
    {
        Timeout = Patience,
    };

    /// <summary>Sends an event; returns when it is taken, or given up for its age.</summary>
    public async Task SendAsync(Webhook hook, RegistryEvent said, CancellationToken cancel)
    {
        var body = EventBody.Write(said, hook.Format);
        for (var failed = 0; ; failed++)
        {
            var (trouble, asked) = await TryAsync(hook, said, body, cancel);
            if (trouble is null)
            {
                ServerMetrics.Event("delivered", 1);
                if (failed > 0)
                    log.WebhookTakes(hook.Name, failed);
                return;
            }
            ServerMetrics.Event("failed", 1);
            if (time.GetUtcNow() - said.Time > options.Keep)
            {
                ServerMetrics.Event("dropped", 1);
                log.EventDropped(hook.Name, said.Action, said.Repository, said.Tag, said.Digest, trouble);
                return;
            }
            if (failed == 0)
                log.WebhookFailed(hook.Name, trouble);
            await Task.Delay(WaitAfter(failed, asked), time, cancel);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<(string? Trouble, TimeSpan Asked)> TryAsync(Webhook hook, RegistryEvent said, byte[] body, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, hook.Address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(EventBody.TypeOf(hook.Format));
        request.Headers.UserAgent.ParseAdd("pail");
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        request.Headers.TryAddWithoutValidation("webhook-id", said.Id);
        request.Headers.TryAddWithoutValidation("webhook-timestamp", now.ToString(CultureInfo.InvariantCulture));
        if (hook.Secret is { } secret)
            request.Headers.TryAddWithoutValidation("webhook-signature", EventBody.Sign(secret, said.Id, now, body));
        foreach (var (name, value) in hook.Headers)
            request.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
            return answer.IsSuccessStatusCode ? (null, default) : ($"it answered {(int)answer.StatusCode}", answer.Headers.RetryAfter?.Delta ?? TimeSpan.Zero);
        }
        catch (HttpRequestException e)
        {
            // Its words may hold the address.
            return ($"no answer: {e.HttpRequestError}", default);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return ($"no answer in {Patience.TotalSeconds} s", default);
        }
    }

    // Full jitter in its upper half, so that replicas do not come back together and none comes back at once.
    private TimeSpan WaitAfter(int failed, TimeSpan asked)
    {
        var ceiling = Math.Min(options.FirstRetry.TotalMilliseconds * Math.Pow(2, Math.Min(failed, 30)), options.LongestRetry.TotalMilliseconds);
        var own = TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2)));
        return asked > own && asked <= options.LongestRetry ? asked : own;
    }
}
