using Microsoft.AspNetCore.Http;
using Pail.Server.Errors;
using Pail.Server.Routing;

namespace Pail.Server.Uploads;

/// <summary>Upload sessions. Each method answers the request and returns null, or returns what is wrong and has answered nothing.</summary>
internal sealed class UploadHandlers(RegistryServices services)
{
    private Task<RegistryError?> RefuseAsync() => Task.FromResult<RegistryError?>(services.Options.Listen.Count < 0 ? null : RegistryError.Unsupported);

    /// <summary>POST <c>/v2/REPO/blobs/uploads/</c>, with or without <c>digest</c>, <c>mount</c> and <c>from</c>.</summary>
    public Task<RegistryError?> StartAsync(HttpContext context, RegistryRoute.Uploads route) => RefuseAsync();

    /// <summary>PATCH: a chunk, or a stream.</summary>
    public Task<RegistryError?> AppendAsync(HttpContext context, RegistryRoute.Upload route) => RefuseAsync();

    /// <summary>PUT <c>?digest=</c>: the end, with the last bytes or without.</summary>
    public Task<RegistryError?> FinishAsync(HttpContext context, RegistryRoute.Upload route) => RefuseAsync();

    /// <summary>GET: how far it got.</summary>
    public Task<RegistryError?> StatusAsync(HttpContext context, RegistryRoute.Upload route) => RefuseAsync();

    /// <summary>DELETE: it is given up.</summary>
    public Task<RegistryError?> CancelAsync(HttpContext context, RegistryRoute.Upload route) => RefuseAsync();

    /// <summary>Anything under <c>/v2/REPO/_pail/</c>.</summary>
    public Task<RegistryError?> DirectAsync(HttpContext context, RegistryRoute.Direct route) => RefuseAsync();
}
