using System.Net.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pail.Buckets;
using Pail.Server.Access;
using Pail.Server.Audit;
using Pail.Server.Blobs;
using Pail.Server.Events;
using Pail.Server.Http;
using Pail.Server.Page;
using Pail.Server.Routing;
using Pail.Server.Running;
using Pail.Server.Uploads;
using Pail.Server.Watching;

namespace Pail.Server;

/// <summary>Composes a registry server over a bucket.</summary>
internal static class RegistryServer
{
    // Of each body so much is read from the socket before anybody asks for it, beside the memory that bounds blobs on their way.
    private const int ReadAhead = 128 << 10;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <summary>Makes a server; it listens once started. The caller disposes it.</summary>
    /// <param name="options">How it runs.</param>
    /// <param name="bucket">The bucket it serves.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <exception cref="PailException">The certificate can't be used.</exception>
    public static WebApplication Build(ServerOptions options, Bucket bucket, TimeProvider? time = null)
    {
        var clock = time ?? TimeProvider.System;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseSockets(sockets => sockets.MaxReadBufferSize = ReadAhead).ConfigureKestrel(kestrel =>
        {
            Limit(kestrel.Limits, options);
            kestrel.AddServerHeader = false;
            foreach (var endpoint in options.Listen)
                kestrel.Listen(endpoint, listen => Serve(listen, kestrel.ApplicationServices.GetService<Certificates>()));
            if (options.Metrics is { Address: { } own })
                kestrel.Listen(own, listen =>
                {
                    Serve(listen, kestrel.ApplicationServices.GetService<Certificates>());
                    MetricsEndpoint.Mark(listen);
                });
        });
        if (options.Tls is { } files)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
            builder.Services.AddSingleton(services => new Certificates(files, LogOf(services), clock));
        }
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, SocketBlocks.Factory>();
        // The program that runs the server handles signals.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTime);
        AddLog(builder, options, clock);
        builder.Services.AddSingleton(services => new RegistryServices(options, bucket, LogOf(services), clock));
        builder.Services.AddSingleton(_ => Exporters.Start(options.Otlp, options.Metrics is not null, "Microsoft.AspNetCore"));
        builder.Services.AddSingleton(services => new ServerGauges(services.GetRequiredService<RegistryServices>()));
        builder.Services.AddHostedService(services => new SettingsWatch(services.GetRequiredService<RegistryServices>()));
        if (!options.ReadOnly)
            builder.Services.AddHostedService(services => new PromiseKeeper(services.GetRequiredService<RegistryServices>()));
        builder.Services.AddHostedService(services => new PullRecorder(services.GetRequiredService<RegistryServices>()));
        if (options.GcEvery > TimeSpan.Zero)
            builder.Services.AddSingleton<IHostedService>(services => new ScheduledCollection(services.GetRequiredService<RegistryServices>(), retains: false, options.GcEvery));
        if (options.RetainEvery > TimeSpan.Zero)
            builder.Services.AddSingleton<IHostedService>(services => new ScheduledCollection(services.GetRequiredService<RegistryServices>(), retains: true, options.RetainEvery));
        if (options.Door is not null)
            builder.Services.AddHostedService(services => new RuleWatch(services.GetRequiredService<RegistryServices>()));
        if (options.Webhooks is { Hooks.Count: > 0 })
        {
            builder.Services.AddHostedService(services => new EventKeeper(services.GetRequiredService<RegistryServices>()));
            builder.Services.AddHostedService(services => new EventDelivery(services.GetRequiredService<RegistryServices>()));
        }
        if (options.Audit)
            builder.Services.AddHostedService(services => new AuditRecorder(services.GetRequiredService<RegistryServices>()));
        if (options is { ReadOnly: false } && options.SweepInterval > TimeSpan.Zero)
            builder.Services.AddHostedService(services => new UploadSweeper(services.GetRequiredService<RegistryServices>()));
        return Handle(builder.Build(), options, bucket, clock);
    }

    /// <summary>Waits until a started server is told to stop.</summary>
    /// <param name="server">The server.</param>
    /// <param name="stop">Tells it to stop; the caller then stops it.</param>
    /// <exception cref="InvalidOperationException">It stopped by itself, which it does only if a part of it broke; the message says which way.</exception>
    public static async Task WaitAsync(WebApplication server, CancellationToken stop)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var told = stop.Register(() => ended.TrySetResult());
        await using var stopped = server.Lifetime.ApplicationStopping.Register(() => ended.TrySetResult());
        await ended.Task;
        if (stop.IsCancellationRequested)
            return;
        var cause = server.Services.GetServices<IHostedService>().OfType<BackgroundService>().Select(task => task.ExecuteTask?.Exception?.InnerException).FirstOrDefault(e => e is not null);
        throw new InvalidOperationException($"the server stopped by itself{(cause is null ? "" : $": {cause.GetType().Name}: {cause.Message}")}", cause);
    }

    private static WebApplication Handle(WebApplication app, ServerOptions options, Bucket bucket, TimeProvider clock)
    {
        // Read now, so that files that can't be used are an error of building.
        _ = app.Services.GetService<Certificates>();
        var services = app.Services.GetRequiredService<RegistryServices>();
        if (services is { Door: { } door, Audit: { } audit })
        {
            audit.Changed("rules", door.Version);
            door.Changed = audit.Changed;
        }
        var health = new Health(services, bucket, clock);
        _ = app.Services.GetRequiredService<ServerGauges>();
        var metrics = options.Metrics is not null && app.Services.GetRequiredService<Exporters>().Metrics is { } measured ? new MetricsEndpoint(services, app.Services, measured) : null;
        var page = options.Page is { } shown ? new PageHandler(services, shown) : null;
        var pipeline = new RequestPipeline(services, new Dispatcher(services, new UploadHandlers(services), options.Metrics?.Address is null ? metrics : null, page), health, metrics, page);
        app.Lifetime.ApplicationStopping.Register(() => health.Stopping = true);
        Forwarding.Use(app, options.TrustedProxies);
        app.Run(pipeline.HandleAsync);
        return app;
    }

    private static void AddLog(WebApplicationBuilder builder, ServerOptions options, TimeProvider clock)
    {
        if (options.Log is not { } output)
            return;
        // Of the framework, what its administrator should know: its information repeats the line of each request.
        var level = options.LogOptions.Level;
        builder.Logging.SetMinimumLevel(level is LogLevel.Information ? LogLevel.Warning : level).AddFilter(ServerLog.Category, level);
        builder.Services.AddSingleton<ILoggerProvider>(_ => new StreamLog(output, options.LogOptions.Format, clock));
    }

    private static ILogger LogOf(IServiceProvider services) => services.GetRequiredService<ILoggerFactory>().CreateLogger(ServerLog.Category);

    private static void Limit(KestrelServerLimits limits, ServerOptions options)
    {
        var rate = new MinDataRate(options.MinBodyRate, Grace);
        limits.MaxRequestBodySize = null; // blobs have no limit; manifests have their own
        limits.MaxConcurrentConnections = options.MaxConnections;
        limits.MaxRequestHeadersTotalSize = options.MaxHeaderBytes;
        limits.RequestHeadersTimeout = options.HeaderTime;
        limits.MinRequestBodyDataRate = rate;
        limits.MinResponseDataRate = rate;
        limits.MaxRequestBufferSize = ReadAhead;
        limits.MaxResponseBufferSize = 256 << 10;
    }

    private static void Serve(ListenOptions listen, Certificates? certificates)
    {
        listen.Protocols = certificates is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
        if (certificates is not null)
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = certificates.Current(),
                    ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                }),
            });
        RefusalBodies.Use(listen);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
