using Pail.Oci;

namespace Pail.Tests.Kit.Servers;

/// <summary>A registry server that tests talk to, or several replicas of one: in this process, or as a child.</summary>
internal abstract class ServerHarness : IAsyncDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = Eventually.Limit };

    /// <summary>Where the replicas are.</summary>
    public List<Uri> Addresses { get; } = [];

    /// <summary>Where the only one is, or the first.</summary>
    public Uri Address => Addresses[0];

    /// <summary>Its host and port, as the names of images begin.</summary>
    public string Host => Address.Authority;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Sends a request to one of them.</summary>
    /// <param name="method">The method.</param>
    /// <param name="target">A path, a Location of whichever replica, or an address elsewhere.</param>
    /// <param name="content">The body; null for none.</param>
    /// <param name="range">The Content-Range, if any.</param>
    /// <param name="replica">Which.</param>
    /// <param name="headers">More headers.</param>
    public async Task<Answer> SendAsync(string method, string target, HttpContent? content = null, string? range = null, int replica = 0, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), AddressOf(target, replica)) { Content = content };
        if (range is not null)
            request.Content!.Headers.TryAddWithoutValidation("Content-Range", range);
        foreach (var (name, value) in headers)
            if (!request.Headers.TryAddWithoutValidation(name, value))
                Assert.True(request.Content!.Headers.TryAddWithoutValidation(name, value));
        using var answer = await _http.SendAsync(request, Cancel);
        var all = answer.Headers.Concat(answer.Content.Headers).ToDictionary(pair => pair.Key, pair => string.Join(", ", pair.Value), StringComparer.OrdinalIgnoreCase);
        return new Answer((int)answer.StatusCode, all, await answer.Content.ReadAsByteArrayAsync(Cancel));
    }

    /// <summary>Sends a request whose body is in memory.</summary>
    public Task<Answer> SendAsync(HttpMethod method, string target, byte[]? body = null, params (string Name, string Value)[] headers) =>
        SendAsync(method.Method, target, body is null ? null : new ByteArrayContent(body), headers: headers);

    public Task<Answer> GetAsync(string target, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, target, null, headers);

    public Task<Answer> HeadAsync(string target, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Head, target, null, headers);

    public Task<Answer> DeleteAsync(string target) => SendAsync(HttpMethod.Delete, target);

    public Task<Answer> PutAsync(string target, byte[] body, string? type = MediaTypes.OciManifest) =>
        type is null ? SendAsync(HttpMethod.Put, target, body) : SendAsync(HttpMethod.Put, target, body, ("Content-Type", type));

    /// <summary>A GET, following a redirect to the bucket as clients do: with the Range header.</summary>
    public async Task<Answer> PullAsync(string target, string? range = null)
    {
        (string, string)[] headers = range is null ? [] : [("Range", range)];
        var answer = await GetAsync(target, headers);
        return answer.Status == 307 ? await GetAsync(answer.Location, headers) : answer;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await EndAsync();
    }

    /// <summary>Ends them.</summary>
    protected abstract Task EndAsync();

    private Uri AddressOf(string target, int replica) =>
        !Uri.TryCreate(target, UriKind.Absolute, out var address) || address.Scheme == "file" ? new Uri(Addresses[replica], target)
        : Addresses.Exists(own => own.Authority == address.Authority) ? new Uri(Addresses[replica], address.PathAndQuery)
        : address;
}
