using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry.Metrics;
using Pail.Access;
using Pail.Server.Access;
using Pail.Server.Audit;
using Pail.Server.Errors;

namespace Pail.Server.Watching;

/// <summary>
/// <c>/metrics</c>, for Prometheus. At an address of its own there is nothing else, and it needs no login: who reaches it reads it. At the server's
/// address it obeys the access rules: with them it takes a subject that a rule lets list all repositories, since the numbers are about all of them.
/// </summary>
internal sealed class MetricsEndpoint
{
    /// <summary>Its path.</summary>
    public const string Path = "/metrics";

    private readonly RegistryServices _services;
    private readonly RequestDelegate _scrape;

    /// <summary>Makes it.</summary>
    public MetricsEndpoint(RegistryServices services, IServiceProvider provider, MeterProvider metrics)
    {
        _services = services;
        _scrape = new ApplicationBuilder(provider).UseOpenTelemetryPrometheusScrapingEndpoint(metrics, _ => true, path: null, configureBranchedPipeline: null, optionsName: null).Build();
    }

    /// <summary>Marks the connections of an address as those of metrics.</summary>
    public static void Mark(ListenOptions listen) => listen.Use(next => connection =>
    {
        connection.Features.Set(OwnAddress.Instance);
        return next(connection);
    });

    /// <summary>True if a request came to the address of metrics.</summary>
    public static bool IsAtOwnAddress(HttpContext context) => context.Features.Get<OwnAddress>() is not null;

    /// <summary>Answers at the address of metrics.</summary>
    public Task AnswerAloneAsync(HttpContext context) => context.Request.Path.Value == Path && HttpMethods.IsGet(context.Request.Method)
        ? _scrape(context)
        : ErrorAnswers.WriteAsync(context, RegistryError.NotFound);

    /// <summary>Answers at the address of the server.</summary>
    public async Task<RegistryError?> AnswerAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method))
            return RegistryError.MethodNotAllowed with { Allow = "GET" };
        if (_services.Door is { } door && await RefuseAsync(door, context) is { } refused)
            return refused;
        context.Response.Headers.CacheControl = "no-store";
        await _scrape(context);
        return null;
    }

    private static async Task<RegistryError?> RefuseAsync(Door door, HttpContext context)
    {
        var subject = Subject.Anonymous;
        if (context.Request.Headers.Authorization is [{ } header])
        {
            AuditMark.LoginFailed(context, null);
            if (!header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) || Door.ReadBasic(header[6..].Trim()) is not var (name, password)
                || await door.LoginAsync(context, name, password) is not { } login)
                return Challenge();
            subject = login.Subject;
        }
        if ((await door.RulesOfAsync(subject, context.RequestAborted)).AllowEverywhere(subject, AccessActions.List))
            return null;
        if (subject.Kind == SubjectKind.Anonymous)
            return Challenge();
        AuditMark.Denied(context);
        return RegistryError.Denied.About("metrics need a rule that allows list for all repositories, \"**\"");
    }

    private static RegistryError Challenge() => RegistryError.Unauthorized with { Challenge = $"Basic realm=\"{Access.Challenge.Service}\"" };

    private sealed class OwnAddress
    {
        public static readonly OwnAddress Instance = new();
    }
}
