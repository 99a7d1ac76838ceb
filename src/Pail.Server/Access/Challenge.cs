using System.Buffers;
using Microsoft.AspNetCore.Http;
using Pail.Server.Errors;
using Pail.Server.Routing;
using Pail.Server.Running;

namespace Pail.Server.Access;

/// <summary>Says where a token can be had, and for what. Source: Docker Registry v2 authentication; RFC 6750, 3.</summary>
internal static class Challenge
{
    /// <summary>What this registry calls itself where tokens are asked for.</summary>
    public const string Service = "pail";

    /// <summary>The path of the token endpoint.</summary>
    public const string TokenPath = "/token";

    // What would end the text that the realm stands in, or make another address of it.
    private static readonly SearchValues<char> NotInHost = SearchValues.Create("\"\\ ,;/?#@");

    /// <summary>A 401.</summary>
    /// <param name="context">The request.</param>
    /// <param name="request">What it is about; null for nothing that a scope names.</param>
    /// <param name="error"><c>invalid_token</c> or <c>insufficient_scope</c>; null if the request brought no token.</param>
    public static RegistryError Of(HttpContext context, RegistryRequest? request, string? error)
    {
        var scope = request is { } asked ? string.Join(' ', Needs.Of(context, asked).DistinctBy(need => need.Repository).Select(need => need.ToScope())) : "";
        return RegistryError.Unauthorized with
        {
            Challenge = $"Bearer realm=\"{RealmOf(context)}\",service=\"{Service}\"{(scope.Length > 0 ? $",scope=\"{scope}\"" : "")}{(error is null ? "" : $",error=\"{error}\"")}",
        };
    }

    // The host that the client asked for, or that a trusted proxy says it did: credentials are sent there. Never by who asks.
    private static string RealmOf(HttpContext context)
    {
        var request = context.Request;
        var connection = context.Connection;
        var host = request.Host.Value is { Length: > 0 } named && !named.AsSpan().ContainsAny(NotInHost) ? named
            : connection.LocalIpAddress is { } address ? new System.Net.IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, connection.LocalPort).ToString()
            : "localhost";
        return $"{(Forwarding.Origin(context) is { Length: > 0 } origin ? origin : $"{request.Scheme}://{host}")}{TokenPath}";
    }
}
