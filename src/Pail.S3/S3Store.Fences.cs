using System.Buffers;
using System.Diagnostics;
using System.Xml;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.S3;

// Writes by presigned requests: the store refuses them when their signature has expired, whatever happened on the way.
// Source: AWS, "Authenticating Requests: Using Query Parameters", X-Amz-Expires.
internal sealed partial class S3Store : IFencedWrites
{
    /// <inheritdoc/>
    StoreAbilities IObjectStore.Abilities => _connection.Credentials is Amazon.Runtime.AnonymousAWSCredentials ? StoreAbilities.Of(this) with { Fences = null } : StoreAbilities.Of(this);

    /// <inheritdoc/>
    public DateTimeOffset? Now => _wire.Clock.Now;

    /// <inheritdoc/>
    public bool CanStayOpen => true;

    /// <inheritdoc/>
    public Task<IWriteFence> OpenFenceAsync(TimeSpan life, CancellationToken cancel = default) => Task.FromResult<IWriteFence>(new Fence(this, life));

    /// <inheritdoc/>
    public Task SettleAsync(TimeSpan time, CancellationToken cancel = default) => Task.Delay(time, cancel);

    // One object, or several by one DeleteObjects. Source: Amazon S3 API, DeleteObjects.
    private async Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, WireFence fence, CancellationToken cancel)
    {
        if (keys.Count == 1 || _noBatches)
            return await DeleteEachAsync(keys, fence, cancel);
        var body = new ReadOnlySequence<byte>(DeleteObjectsXml.Write(keys.Select(key => _prefix + key)));
        var request = new WireRequest(HttpMethod.Post, "?delete") { Body = body, Fence = fence };
        request.Unsigned["Content-MD5"] = Md5(body);
        request.Unsigned["Content-Type"] = "application/xml";
        using var guard = new StallGuard(cancel);
        using var response = await _wire.SendAsync(StoreOperation.DeleteObjects, "", request, guard, cancel);
        if (Succeeded(response))
        {
            guard.Allow(_options.AnswerTimeout);
            return await FailedAsync(response, guard);
        }
        var refusal = await RefusalAsync(response, guard);
        if (refusal.Status is 501 or 405 || refusal.Code is "NotImplemented" or "MethodNotAllowed")
        {
            _noBatches = true;
            return await DeleteEachAsync(keys, fence, cancel);
        }
        throw _wire.IsOver(response, fence) ? Late("") : _errors.Refused(StoreOperation.DeleteObjects, "", refusal);
    }

    private async Task<IReadOnlyList<FailedDelete>> FailedAsync(HttpResponseMessage response, StallGuard guard)
    {
        try
        {
            await using var answer = await response.Content.ReadAsStreamAsync(guard.Token);
            return [.. (await DeleteObjectsXml.ReadErrorsAsync(answer, guard.Token)).Select(error => (Key: Cut(error.Key), error.Code, error.Message))
                .Where(error => error.Code != "NoSuchKey")
                .Select(error => new FailedDelete(error.Key, _errors.Refused(StoreOperation.DeleteObjects, error.Key, new Refusal(StatusOf(error.Code), error.Code) { Message = error.Message })))];
        }
        catch (Exception e) when (e is XmlException or IOException or HttpRequestException)
        {
            // Whether all were removed is not known: they are asked for again.
            throw _errors.Broken(StoreOperation.DeleteObjects, "", "what the store answered is cut short", e);
        }

        static int StatusOf(string code) => code switch { "InternalError" or "ServiceUnavailable" => 500, "SlowDown" => 503, _ => 403 };
        string Cut(string key) => key.StartsWith(_prefix, StringComparison.Ordinal) ? key[_prefix.Length..] : key;
    }

    private async Task<IReadOnlyList<FailedDelete>> DeleteEachAsync(IReadOnlyList<string> keys, WireFence fence, CancellationToken cancel)
    {
        List<FailedDelete> failed = [];
        foreach (var key in keys)
        {
            using var guard = new StallGuard(cancel);
            using var response = await _wire.SendAsync(StoreOperation.DeleteObject, _prefix + key, new WireRequest(HttpMethod.Delete) { Fence = fence }, guard, cancel);
            if (Succeeded(response))
                continue;
            var refusal = await RefusalAsync(response, guard);
            if (_wire.IsOver(response, fence))
                throw Late(key);
            if (refusal is not { Status: 404, Code: not "NoSuchBucket" })
                failed.Add(new(key, _errors.Refused(StoreOperation.DeleteObject, key, refusal)));
        }
        return failed;
    }

    private StoreException Late(string key) => new(StoreError.FenceExpired, $"{Name}{(key.Length > 0 ? " " : "")}{SafeText.OneLine(key)}: the write came too late after the look it rests on; nothing was written. It has to begin again.");

    private sealed class Fence(S3Store store, TimeSpan life) : IWriteFence
    {
        private readonly WireFence _fence = new(Stopwatch.GetTimestamp(), life);

        public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
            store.PutAsync(key, body, headers, condition, _fence, cancel);

        public Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancel = default) => store.DeleteAsync(keys, _fence, cancel);

        public void Dispose()
        {
        }
    }
}

/// <summary>The time in which the store accepts a request.</summary>
/// <param name="Opened">When it began, by the monotonic clock.</param>
/// <param name="Life">How long it lasts.</param>
internal sealed record WireFence(long Opened, TimeSpan Life);
