using Microsoft.AspNetCore.Http;
using Pail.Server.Caches;
using Pail.Server.Http;
using Pail.Server.Routing;
using Pail.Server.Running;

namespace Pail.Server.Blobs;

/// <summary>
/// skopeo, podman and buildah may ask twice, one HEAD right after the other and each over a connection of its own, for a
/// layer they are about to push; the second needs no request to the bucket. Only for them, who ask for nothing but to
/// know whether to send it, only once, at once, and if no proxy stands between, behind which there may be several.
/// </summary>
internal sealed class MissedBlobs(RegistryServices services)
{
    private const int Capacity = 1 << 12;

    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(250);

    private readonly BoundedCache<Question, Answer> _answers = new(Capacity, static _ => 1);

    /// <summary>True if this request repeats one that found nothing just now.</summary>
    public bool WasAskedJustNow(HttpContext context, RegistryRoute.Blob route)
    {
        if (!IsOfThem(context.Request.Headers) || !_answers.TryGet(QuestionOf(context, route), out var answer))
            return false;
        _answers.Remove(QuestionOf(context, route));
        return services.Time.GetElapsedTime(answer.At) < AtOnce;
    }

    /// <summary>Remembers that this request found nothing.</summary>
    public void Remember(HttpContext context, RegistryRoute.Blob route)
    {
        if (IsOfThem(context.Request.Headers))
            _answers.Set(QuestionOf(context, route), new Answer(services.Time.GetTimestamp()));
    }

    // Nobody else sends a header that belongs to answers.
    private static bool IsOfThem(IHeaderDictionary headers) =>
        headers.ContainsKey(HeaderValues.ApiVersionName) && !headers.ContainsKey("X-Forwarded-For") && !headers.ContainsKey("X-Original-For") && !headers.ContainsKey("Forwarded") && !headers.ContainsKey("Via");

    private static Question QuestionOf(HttpContext context, RegistryRoute.Blob route) => new(Forwarding.Client(context), route);

    private readonly record struct Question(string Client, RegistryRoute.Blob Route);

    private sealed record Answer(long At);
}
