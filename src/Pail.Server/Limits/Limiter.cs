using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Pail.Server.Access;
using Pail.Server.Errors;
using Pail.Server.Watching;

namespace Pail.Server.Limits;

/// <summary>
/// Bounds what each address, and each user, may use: requests and bytes a minute, pushes at once. A request that comes too early is held back for up to ten
/// seconds, which every client bears; docker gives up at a 429, so that is for those that would wait longer. The bytes of a request are counted
/// when it has ended: it may take more than there is, and the next one waits for that.
/// </summary>
/// <param name="of"><c>address</c> or <c>user</c>: whose limits these are.</param>
/// <param name="options">The limits.</param>
/// <param name="time">The clock.</param>
internal sealed class Limiter(string of, LimitOptions options, TimeProvider time)
{
    /// <summary>How long a request is held back at most.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private readonly Rate? _requests = options.Requests > 0 ? new(options.Requests, time) : null;
    private readonly Rate? _bytes = options.Bytes > 0 ? new(options.Bytes, time) : null;
    private readonly Slots? _pushes = options.Pushes > 0 ? new(options.Pushes, time) : null;

    /// <summary>Waits for a request's turn.</summary>
    /// <param name="context">The request.</param>
    /// <param name="key">Whose it is.</param>
    /// <returns>The error if it would be too long; null once it may go on.</returns>
    public async ValueTask<RegistryError?> EnterAsync(HttpContext context, string key)
    {
        var cancel = context.RequestAborted;
        var wait = _bytes?.Take(key, 0, Longest) ?? TimeSpan.Zero;
        if (wait <= Longest && _requests?.Take(key, 1, Longest) is { } turn && turn > wait)
            wait = turn;
        if (wait > Longest)
            return Refuse(wait);
        if (wait > TimeSpan.Zero)
        {
            ServerMetrics.Limited(of, "delayed");
            await Task.Delay(wait, time, cancel);
        }
        if (_pushes is not null && IsPush(context.Request))
        {
            if (!await _pushes.EnterAsync(key, Longest, cancel))
                return Refuse(Longest);
            context.Response.OnCompleted(() =>
            {
                _pushes.Leave(key);
                return Task.CompletedTask;
            });
        }
        if (_bytes is not null)
            Count(context, key, _bytes);
        return null;
    }

    /// <summary>The key of an address; of IPv6 the network that one customer has.</summary>
    public static string KeyOf(IPAddress? address)
    {
        if (address is null)
            return "";
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4().ToString();
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }

    /// <summary>The key of a subject. Workloads are told apart by who they are, not by the issuer they share.</summary>
    public static string KeyOf(Pail.Access.Subject subject) => $"{subject.Kind}:{Visitor.NameOf(subject)}";

    private RegistryError Refuse(TimeSpan wait)
    {
        ServerMetrics.Limited(of, "refused");
        return RegistryError.TooManyRequests with { RetryAfter = wait };
    }

    private static bool IsPush(HttpRequest request) => request.Method is "POST" or "PUT" or "PATCH" && request.Path.StartsWithSegments("/v2", StringComparison.Ordinal);

    private static void Count(HttpContext context, string key, Rate bytes)
    {
        var body = context.Features.Get<IRequestBodyPipeFeature>() is { } given ? new CountedBody(given) : null;
        if (body is not null)
            context.Features.Set<IRequestBodyPipeFeature>(body);
        context.Response.OnCompleted(() =>
        {
            bytes.Use(key, (body?.Count ?? 0) + (HttpMethods.IsHead(context.Request.Method) ? 0 : context.Response.ContentLength ?? 0));
            return Task.CompletedTask;
        });
    }
}
