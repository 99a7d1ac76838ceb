using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Pail.Registry;
using Pail.Server.Routing;
using Pail.Server.Uploads;

namespace Pail.Server;

/// <summary>A registry server over a bucket: the composition of its parts.</summary>
public static class RegistryServer
{
    /// <summary>Makes a server; it listens once started. The caller disposes it.</summary>
    /// <param name="options">How it runs.</param>
    /// <param name="registry">The bucket it serves.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public static WebApplication Build(ServerOptions options, BucketRegistry registry, TimeProvider? time = null)
    {
        var services = new RegistryServices(options, registry, time ?? TimeProvider.System);
        var dispatcher = new Dispatcher(new UploadHandlers(services));

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // blobs have no limit; manifests have their own
            foreach (var endpoint in options.Listen)
                kestrel.Listen(endpoint);
        });
        var app = builder.Build();
        app.Run(dispatcher.HandleAsync);
        return app;
    }
}
