using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Pail.Tests.Kit.Registries;

/// <summary>
/// A registry that wants bearer tokens, and the realm that gives them to one user: it stands before a registry that wants none.
/// Tokens end, are revoked, or are refused when the test says so.
/// </summary>
internal sealed class TokenGate : IAsyncDisposable
{
    public const string User = "whale";
    public const string Password = "plankton";

    private readonly WebApplication _app;
    private readonly TimeProvider _time;
    private readonly HttpClient _upstream = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
    private readonly ConcurrentDictionary<string, (string[] Scopes, DateTimeOffset Ends)> _tokens = new();

    private TokenGate(WebApplication app, TimeProvider time) => (_app, _time) = (app, time);

    public string Host => new Uri(_app.Urls.First()).Authority;

    /// <summary>How long tokens live.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>What tokens say of that; null for the truth.</summary>
    public int? StatedLifetime { get; set; }

    /// <summary>True to give tokens to nobody any more.</summary>
    public bool Closed { get; set; }

    /// <summary>The method that the realm does not know, and the status it says so with.</summary>
    public (string Method, int Status)? Lacks { get; set; }

    /// <summary>Whoever has this token is let in, though the realm did not give it.</summary>
    public string? Ready { get; set; }

    /// <summary>The refresh token it takes and, asked for one, gives.</summary>
    public string RefreshToken { get; } = "refresh-" + Convert.ToHexString(RandomNumberGenerator.GetBytes(8));

    /// <summary>Requests that are refused though their token is good, once their body has come.</summary>
    public Func<HttpRequest, bool>? Refuses { get; set; }

    /// <summary>Called before each request that carries a good token.</summary>
    public Action<HttpRequest>? Before { get; set; }

    /// <summary>Requests to the registry, and to the realm, with what they sent to prove themselves.</summary>
    public ConcurrentQueue<(string Line, string? Proof)> Requests { get; } = new();

    /// <summary>Requests that went on to the registry, for they carried a good token.</summary>
    public ConcurrentQueue<string> Admitted { get; } = new();

    public IReadOnlyList<string> ToRegistry => [.. Requests.Select(request => request.Line).Where(line => !line.Contains("/token", StringComparison.Ordinal))];

    public IReadOnlyList<string> ToRealm => [.. Requests.Select(request => request.Line).Where(line => line.Contains("/token", StringComparison.Ordinal))];

    public static async Task<TokenGate> StartAsync(Uri upstream, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MaxRequestBodySize = null;
        });
        var gate = new TokenGate(builder.Build(), time ?? TimeProvider.System);
        gate._upstream.BaseAddress = upstream;
        gate._app.Run(gate.AnswerAsync);
        await gate._app.StartAsync();
        return gate;
    }

    /// <summary>No token given so far is good any more.</summary>
    public void Revoke() => _tokens.Clear();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        _upstream.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var proof = request.Headers.Authorization.ToString();
        Requests.Enqueue(($"{request.Method} {request.Path}{request.QueryString}", proof.Length == 0 ? null : proof));
        if (request.Path == "/token" && Lacks is var (method, status) && request.Method == method)
        {
            response.StatusCode = status;
            return;
        }
        if (request.Path == "/token")
        {
            await GiveAsync(request, response, proof);
            return;
        }
        var wanted = Wanted(request);
        var token = proof.StartsWith("Bearer ", StringComparison.Ordinal) ? proof["Bearer ".Length..] : null;
        if (token is null || (token != Ready && !(_tokens.TryGetValue(token, out var known) && known.Ends > _time.GetUtcNow() && wanted.All(known.Scopes.Contains))))
        {
            Challenge(response, wanted, token);
            return;
        }
        if (Refuses?.Invoke(request) == true)
        {
            await request.Body.CopyToAsync(Stream.Null);
            Challenge(response, wanted, token);
            return;
        }
        Before?.Invoke(request);
        Admitted.Enqueue($"{request.Method} {request.Path}{request.QueryString}");
        await ForwardAsync(request, response);
    }

    private void Challenge(HttpResponse response, string[] wanted, string? token)
    {
        response.StatusCode = 401;
        response.Headers.WWWAuthenticate = $"Bearer realm=\"http://{Host}/token\",service=\"test, \\\"gate\\\"\",scope=\"{string.Join(' ', wanted)}\"{(token is null ? "" : ",error=\"invalid_token\"")}";
    }

    // What the request needs, one action each.
    private static string[] Wanted(HttpRequest request)
    {
        var path = request.Path.Value!;
        if (path == "/v2/")
            return [];
        var name = path["/v2/".Length..].Split(["/manifests/", "/blobs/", "/tags/"], StringSplitOptions.None)[0];
        var action = request.Method is "GET" or "HEAD" ? "pull" : "push";
        return request.Query["from"].ToString() is { Length: > 0 } from ? [$"repository:{name}:{action}", $"repository:{from}:pull"] : [$"repository:{name}:{action}"];
    }

    private async Task GiveAsync(HttpRequest request, HttpResponse response, string proof)
    {
        var form = request.HasFormContentType ? await request.ReadFormAsync() : null;
        var good = form is null
            ? proof == $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}"))}"
            : form["grant_type"] == "refresh_token" ? form["refresh_token"] == RefreshToken
            : form["grant_type"] == "password" && form["username"] == User && form["password"] == Password && form["client_id"] == "pail";
        if (!good || Closed || (form?["service"] ?? request.Query["service"]) != "test, \"gate\"")
        {
            // As OAuth2 has it, and as Docker has it.
            response.StatusCode = form is null ? 401 : 400;
            return;
        }
        var scopes = (form is null ? request.Query["scope"].SelectMany(scope => scope!.Split(' ')) : form["scope"].ToString().Split(' '))
            .Select(scope => scope.Split(':')).Where(parts => parts.Length == 3)
            .SelectMany(parts => parts[2].Split(',').Select(action => $"{parts[0]}:{parts[1]}:{action}"));
        var token = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        _tokens[token] = ([.. scopes], _time.GetUtcNow() + Lifetime);
        var refresh = request.Query["offline_token"] == "true" || form?["access_type"].ToString() == "offline" ? $",\"refresh_token\":\"{RefreshToken}\"" : "";
        response.ContentType = "application/json";
        await response.WriteAsync($"{{\"{(form is null ? "token" : "access_token")}\":\"{token}\",\"expires_in\":{StatedLifetime ?? (int)Lifetime.TotalSeconds}{refresh}}}");
    }

    private async Task ForwardAsync(HttpRequest request, HttpResponse response)
    {
        using var forward = new HttpRequestMessage(new HttpMethod(request.Method), $"{request.Path}{request.QueryString}") { Content = new StreamContent(request.Body) };
        foreach (var header in request.Headers.Where(header => header.Key is not ("Host" or "Authorization" or "Expect" or "Connection")))
            if (!forward.Headers.TryAddWithoutValidation(header.Key, header.Value.ToArray()))
                forward.Content.Headers.TryAddWithoutValidation(header.Key, header.Value.ToArray());
        if (request.Method is "GET" or "HEAD")
            forward.Content = null;
        // So that addresses in answers lead here.
        forward.Headers.Host = Host;
        using var answer = await _upstream.SendAsync(forward, HttpCompletionOption.ResponseHeadersRead, request.HttpContext.RequestAborted);
        response.StatusCode = (int)answer.StatusCode;
        foreach (var header in answer.Headers.Concat<KeyValuePair<string, IEnumerable<string>>>(answer.Content.Headers).Where(header => header.Key is not ("Transfer-Encoding" or "Connection")))
            response.Headers[header.Key] = header.Value.ToArray();
        await answer.Content.CopyToAsync(response.Body);
    }
}
