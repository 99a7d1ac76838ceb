using System.Net.Http.Headers;
using Pail.Oci;

namespace Pail.Cli.Demo;

/// <summary>A request as a client made it, and whether what came has the digest it should.</summary>
internal sealed record PullStep(string Method, string Path, int Status, string? ContentType, long Size, string? Checked);

/// <summary>Pulls an image by the requests docker makes, and checks all that comes.</summary>
internal sealed class DockerPull(Uri registry, string repository, string tag)
{
    private readonly List<PullStep> _steps = [];

    /// <summary>The requests, in order.</summary>
    public IReadOnlyList<PullStep> Steps => _steps;

    /// <summary>Pulls.</summary>
    /// <exception cref="PailException">What came is not what the image's digests say.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = registry };
        foreach (var type in MediaTypes.Manifests)
            http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        // Is there a registry? Which manifest has the tag? Then that manifest by its digest, and all it names.
        await SendAsync(http, HttpMethod.Get, "v2/", null, cancel);
        await SendAsync(http, HttpMethod.Head, $"v2/{repository}/manifests/{tag}", null, cancel);
        var (bytes, type0) = await SendAsync(http, HttpMethod.Get, $"v2/{repository}/manifests/{tag}", null, cancel);
        var manifest = Manifest.Parse(bytes, type0);
        await SendAsync(http, HttpMethod.Get, $"v2/{repository}/manifests/{manifest.Digest}", manifest.Descriptor, cancel);
        foreach (var blob in manifest.Blobs)
            await SendAsync(http, HttpMethod.Get, $"v2/{repository}/blobs/{blob.Digest}", blob, cancel);
    }

    private async Task<(byte[] Bytes, string? Type)> SendAsync(HttpClient http, HttpMethod method, string path, Descriptor? expected, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path);
        using var response = await http.SendAsync(request, cancel);
        var bytes = await response.Content.ReadAsByteArrayAsync(cancel);
        var type = response.Content.Headers.ContentType?.MediaType;
        var size = response.Content.Headers.ContentLength ?? bytes.Length;
        var right = expected is null || (bytes.Length == expected.Size && Digest.Of(bytes, expected.Digest.Algorithm) == expected.Digest);
        _steps.Add(new(method.Method, "/" + path, (int)response.StatusCode, type, size, expected is null ? null : right ? "digest" : "WRONG"));
        if (!response.IsSuccessStatusCode || !right)
            throw new PailException(Failure.BadContent, $"{method} /{path}: {(right ? $"answered {(int)response.StatusCode}" : "what came has another digest")}.");
        return (bytes, type);
    }
}
