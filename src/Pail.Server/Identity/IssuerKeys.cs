using Microsoft.Extensions.Logging;
using Pail.Server.Errors;
using Pail.Server.Running;

namespace Pail.Server.Identity;

/// <summary>
/// The keys of one issuer, remembered. They are asked for again after an hour, and when a token names one that is not known; not more often than every ten
/// seconds. While the issuer does not answer, those of before are good for a day.
/// </summary>
internal sealed class IssuerKeys(Uri issuer, IssuerDocuments documents, ILogger log, TimeProvider time)
{
    /// <summary>How long keys are believed without asking.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromHours(1);

    /// <summary>How long keys are good while the issuer does not answer.</summary>
    public static readonly TimeSpan Stale = TimeSpan.FromHours(24);

    /// <summary>The shortest time from one question to the next.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private IReadOnlyList<IssuerKey> _keys = [];
    private DateTimeOffset _read = DateTimeOffset.MinValue;
    private DateTimeOffset _asked = DateTimeOffset.MinValue;
    private Task _asking = Task.CompletedTask;

    /// <summary>The keys of that name that may sign so.</summary>
    /// <exception cref="RegistryException">The issuer does not answer, and no keys of it are known that are still good.</exception>
    public async ValueTask<IReadOnlyList<IssuerKey>> FindAsync(string id, string algorithm, CancellationToken cancel)
    {
        if (!Has(id) || time.GetUtcNow() - _read >= Fresh)
            await Ask().WaitAsync(cancel);
        lock (_lock)
            return time.GetUtcNow() - _read < Stale ? [.. _keys.Where(key => key.Id == id && key.Algorithms.Contains(algorithm))] : throw new RegistryException(RegistryError.IssuerAway);
    }

    private bool Has(string id)
    {
        lock (_lock)
            return _keys.Any(key => key.Id == id);
    }

    // Those that come meanwhile wait for the same answer; who gives up ends it for nobody else.
    private Task Ask()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (!_asking.IsCompleted || now - _asked < Pause)
                return _asking;
            _asked = now;
            return _asking = ReadAsync();
        }
    }

    private async Task ReadAsync()
    {
        await Task.Yield();
        try
        {
            var keys = await documents.KeysAsync(issuer);
            lock (_lock)
                (_keys, _read) = (keys, time.GetUtcNow());
        }
        catch (PailException e)
        {
            log.IssuerFailed(e.Message);
        }
    }
}
