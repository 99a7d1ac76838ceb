using Pail.Oci;

namespace Pail.OciLayout;

/// <summary>The files of an OCI image layout, wherever they lie. Source: OCI image-spec, image-layout.md.</summary>
/// <remarks>Paths are constants or made of a validated <see cref="Digest"/>, never of text a stranger wrote.</remarks>
internal interface ILayoutFiles : IAsyncDisposable
{
    /// <summary>The size of a file in bytes; null if there is none.</summary>
    Task<long?> SizeAsync(string path, CancellationToken cancel);

    /// <summary>Opens a file that is there, from a byte offset on.</summary>
    Task<Stream> OpenAsync(string path, long offset, CancellationToken cancel);

    /// <summary>Where a blob lies.</summary>
    string PathOfBlob(Digest digest) => LayoutPaths.Blob(digest);

    /// <summary>Where a manifest lies that an index names.</summary>
    string PathOfManifest(Digest digest) => LayoutPaths.Blob(digest);
}

/// <summary>Names and limits of a layout.</summary>
internal static class LayoutPaths
{
    public const string Index = "index.json";
    public const string Marker = "oci-layout";

    /// <summary>What the marker holds. Source: OCI image-spec, image-layout.md, "oci-layout file".</summary>
    public static ReadOnlySpan<byte> MarkerContent => """{"imageLayoutVersion":"1.0.0"}"""u8;

    public static string Blob(Digest digest) => $"blobs/{digest.AlgorithmName}/{digest.Hex}";

    /// <summary>The digest of the blob that lies at a path; null if none does.</summary>
    public static Digest? DigestOf(string path) => path.Split('/', 4) is ["blobs", var algorithm, var hex] && Digest.TryParse($"{algorithm}:{hex}", out var digest) ? digest : null;

    /// <summary>True for the path of something a layout is made of, and of the list of an archive that is none.</summary>
    public static bool IsPart(string path) => path is Index or Marker or OtherKind.List || DigestOf(path) is not null;

    /// <summary>Reads a whole small file; null if there is none.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is larger than <paramref name="limit"/> bytes.</exception>
    public static async Task<byte[]?> ReadAsync(this ILayoutFiles files, string name, string path, int limit, CancellationToken cancel)
    {
        if (await files.SizeAsync(path, cancel) is not { } size)
            return null;
        if (size > limit)
            throw new PailException(Failure.BadContent, $"{name}: {SafeText.OneLine(path)} has {size} bytes; at most {limit} are taken.");
        // To its end, not to that size: it may have been replaced by a longer one since it was measured.
        var bytes = new byte[size + 1];
        await using var stream = await files.OpenAsync(path, 0, cancel);
        var length = 0;
        for (int read; (read = await stream.ReadAsync(bytes.AsMemory(length), cancel)) > 0;)
            if ((length += read) > limit)
                throw new PailException(Failure.BadContent, $"{name}: {SafeText.OneLine(path)} has more than {limit} bytes.");
            else if (length == bytes.Length)
                Array.Resize(ref bytes, Math.Min(length * 2, limit + 1));
        return bytes[..length];
    }

    /// <summary>Opens a blob of which a manifest says how large it is.</summary>
    /// <exception cref="PailException">It is not there, or of another size.</exception>
    public static async Task<Stream> OpenBlobAsync(this ILayoutFiles files, string name, Descriptor blob, long offset, CancellationToken cancel)
    {
        var path = files.PathOfBlob(blob.Digest);
        var size = await files.SizeAsync(path, cancel)
            ?? throw new PailException(Failure.NotFound, $"{name} has no blob {blob.Digest}, which its manifest names.");
        if (size != blob.Size)
            throw new PailException(Failure.BadContent, $"{name}: blob {blob.Digest} has {size} bytes; its descriptor says {blob.Size}.");
        return await files.OpenAsync(path, offset, cancel);
    }

    /// <summary>True if a manifest is there with all it names, each of the right size.</summary>
    /// <remarks>A layout from which somebody removed blobs is mended by copying into it again.</remarks>
    public static async Task<bool> HoldsAsync(this ILayoutFiles files, Manifest manifest, CancellationToken cancel) =>
        await files.SizeAsync(files.PathOfManifest(manifest.Digest), cancel) == manifest.Size && await files.HoldsPartsAsync(manifest, [], cancel);

    /// <summary>True if all that a manifest names is there, each of the right size. Adds where it lies.</summary>
    public static async Task<bool> HoldsPartsAsync(this ILayoutFiles files, Manifest manifest, HashSet<string> paths, CancellationToken cancel)
    {
        var graph = new ManifestGraph("", (descriptor, token) => files.ReadManifestAsync("", descriptor, token));
        try
        {
            await foreach (var part in graph.WalkAsync(manifest, cancel))
            {
                paths.UnionWith(part.Children.Select(child => files.PathOfManifest(child.Digest)));
                foreach (var blob in part.Blobs)
                {
                    paths.Add(files.PathOfBlob(blob.Digest));
                    if (await files.SizeAsync(files.PathOfBlob(blob.Digest), cancel) != blob.Size)
                        return false;
                }
            }
            return true;
        }
        catch (PailException e) when (e.Failure is Failure.NotFound or Failure.BadContent)
        {
            return false;
        }
    }

    /// <summary>Reads a manifest that an index names.</summary>
    /// <exception cref="PailException">It is not there (<see cref="Failure.NotFound"/>), or not what the index says.</exception>
    public static async Task<Manifest> ReadManifestAsync(this ILayoutFiles files, string name, Descriptor descriptor, CancellationToken cancel)
    {
        var bytes = await files.ReadAsync(name, files.PathOfManifest(descriptor.Digest), Manifest.MaxSize, cancel)
            ?? throw new PailException(Failure.NotFound, $"{name} has no manifest {descriptor.Digest}, which its index names.");
        return Manifest.Parse(bytes, descriptor);
    }
}
