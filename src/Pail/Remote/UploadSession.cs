using System.Globalization;
using System.Net;
using Pail.Oci;
using Pail.Remote.Http;

namespace Pail.Remote;

/// <summary>An upload a registry has begun, at the address it named last.</summary>
internal sealed class UploadSession
{
    private readonly RegistryClient _client;
    private Uri _location;

    private UploadSession(RegistryClient client, RegistryAnswer answer)
    {
        (_client, _location) = (client, Place(client, answer));
        // A registry may want chunks of at least some size.
        LeastChunk = long.TryParse(answer["OCI-Chunk-Min-Length"], NumberStyles.None, CultureInfo.InvariantCulture, out var least) ? least : 0;
    }

    /// <summary>The smallest chunk taken, the last one aside, in bytes.</summary>
    public long LeastChunk { get; }

    /// <summary>The address that takes the next chunk.</summary>
    public Uri Location => _location;

    /// <summary>Begins the upload of a blob; null if the registry found it in another repository, and nothing has to be sent.</summary>
    // Source: OCI distribution-spec, "Mounting a blob from another repository": without "from", a registry may look for it itself.
    public static async Task<UploadSession?> BeginAsync(RegistryClient client, Digest blob, CancellationToken cancel)
    {
        if (client.MayFindBlobs)
        {
            using var found = await client.SendAsync(Post($"?mount={Uri.EscapeDataString(blob.ToString())}") with { HandlesRefusals = true }, cancel);
            if (IsMounted(found))
                return null;
            if (found.IsSuccess && HasPlace(found))
                return new(client, found);
            // Quay calls a mount without "from" an error, where others begin an upload.
            client.MayFindBlobs = false;
        }
        using var answer = await client.SendAsync(Post(""), cancel);
        return new(client, answer);

        RegistryRequest Post(string query) => new(HttpMethod.Post, client.In($"blobs/uploads/{query}")) { Body = client.Body(default, MediaTypes.OctetStream) };
    }

    /// <summary>True if the answer to a mount says that the blob is there. Some answer 201 also where they begin an upload.</summary>
    public static bool IsMounted(RegistryAnswer answer) => answer.Status == HttpStatusCode.Created && answer["Location"]?.Contains("/uploads/", StringComparison.Ordinal) != true;

    // Before there was an address in the answer there was a name for it. Source: CNCF Distribution, "Starting An Upload".
    private static bool HasPlace(RegistryAnswer answer) => !string.IsNullOrEmpty(answer["Location"]) || !string.IsNullOrEmpty(answer["Docker-Upload-UUID"]);

    private static Uri Place(RegistryClient client, RegistryAnswer answer) => string.IsNullOrEmpty(answer["Location"]) && answer["Docker-Upload-UUID"] is { Length: > 0 } name
        ? client.In($"blobs/uploads/{Uri.EscapeDataString(name)}")
        : client.Follow(answer, "the place of an upload");

    /// <summary>Gives the upload up, so that the registry need not keep what came of it.</summary>
    public async Task AbandonAsync()
    {
        // Also after Ctrl-C, which must not wait long for it.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            (await _client.SendAsync(HttpMethod.Delete, _location, limit.Token, HttpStatusCode.NotFound)).Dispose();
        }
        catch (Exception e) when (e is PailException or OperationCanceledException)
        {
            // Not every registry lets uploads be given up; all drop them after a while. What went wrong before is what counts.
        }
    }

    /// <summary>The address that ends the upload.</summary>
    // Registries keep state in the query, which must stay as it is.
    public Uri Closing(Digest digest)
    {
        var address = _location.AbsoluteUri;
        var separator = address.EndsWith('?') || address.EndsWith('&') ? "" : address.Contains('?', StringComparison.Ordinal) ? "&" : "?";
        return new($"{address}{separator}digest={Uri.EscapeDataString(digest.ToString())}");
    }

    /// <summary>Goes on where the registry says.</summary>
    public void Continue(RegistryAnswer answer)
    {
        if (!string.IsNullOrEmpty(answer["Location"]))
            _location = _client.Follow(answer, "the place of an upload");
    }

    /// <summary>How many bytes an answer says that the registry has; null if it doesn't say.</summary>
    public static long? Received(RegistryAnswer answer)
    {
        // Source: OCI distribution-spec: "Range: 0-LAST"; some say "bytes=0-LAST". One that has nothing can only say "0-0".
        var range = answer["Range"];
        var dash = range?.LastIndexOf('-') ?? -1;
        return dash >= 0 && long.TryParse(range.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var last) ? (last == 0 ? 0 : last + 1) : null;
    }
}
