using System.Net.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pail.Buckets;
using Pail.Server.Http;
using Pail.Server.Routing;
using Pail.Server.Running;
using Pail.Server.Uploads;

namespace Pail.Server;

/// <summary>A registry server over a bucket: the composition of its parts.</summary>
public static class RegistryServer
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
        var log = options.Log is { } output ? new ServerLog(output, clock) : null;
        var certificates = options.Tls is { } files ? new Certificates(files, log, clock) : null;
        var services = new RegistryServices(options, bucket, log, clock);
        var health = new Health(bucket, clock);
        var pipeline = new RequestPipeline(services, new Dispatcher(services, new UploadHandlers(services)), health);

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseSockets(sockets => sockets.MaxReadBufferSize = ReadAhead).ConfigureKestrel(kestrel =>
        {
            Limit(kestrel.Limits, options);
            kestrel.AddServerHeader = false;
            foreach (var endpoint in options.Listen)
                kestrel.Listen(endpoint, listen => Secure(listen, certificates));
        });
        if (certificates is not null)
            builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, SocketBlocks.Factory>();
        // Signals are for whoever runs the server.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTime);
        if (log is not null)
            builder.Services.AddSingleton(_ => log);
        if (options is { ReadOnly: false } && options.SweepInterval > TimeSpan.Zero)
            builder.Services.AddHostedService(_ => new UploadSweeper(services));

        var app = builder.Build();
        if (log is not null)
            app.Services.GetRequiredService<ServerLog>(); // so that it is disposed with the application
        app.Lifetime.ApplicationStopping.Register(() => health.Stopping = true);
        app.Run(pipeline.HandleAsync);
        return app;
    }

    private static void Limit(KestrelServerLimits limits, ServerOptions options)
    {
        var rate = new MinDataRate(options.MinBodyRate, Grace);
        limits.MaxRequestBodySize = null; // blobs have no limit; manifests have their own
        limits.MaxConcurrentConnections = options.MaxConnections;
        limits.MaxRequestHeadersTotalSize = options.MaxHeaderBytes;
        limits.MinRequestBodyDataRate = rate;
        limits.MinResponseDataRate = rate;
        limits.MaxRequestBufferSize = ReadAhead;
        limits.MaxResponseBufferSize = 256 << 10;
    }

    private static void Secure(ListenOptions listen, Certificates? certificates)
    {
        listen.Protocols = certificates is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
        if (certificates is null)
            return;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificates.Current(),
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            }),
        });
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
