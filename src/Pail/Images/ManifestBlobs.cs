using Pail.Io;
using Pail.Oci;

namespace Pail.Images;

/// <summary>Manifests where they are kept as blobs among others.</summary>
internal static class ManifestBlobs
{
    /// <summary>Reads a manifest that an index lists.</summary>
    public static Task<Manifest> ReadManifestAsync(this IImageSource source, Descriptor descriptor, CancellationToken cancel) => LocalFiles.RunAsync(source.Name, async () =>
    {
        if (descriptor.Size > Manifest.MaxSize)
            throw new PailException(Failure.BadContent, $"{source.Name}: manifest {descriptor.Digest} has {descriptor.Size} bytes; at most {Manifest.MaxSize} are taken.");
        await using var stream = await source.OpenBlobAsync(descriptor, 0, cancel);
        var bytes = new byte[descriptor.Size];
        await stream.ReadExactlyAsync(bytes, cancel);
        return Manifest.Parse(bytes, descriptor);
    });
}
