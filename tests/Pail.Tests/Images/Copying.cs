using Pail.Copy;
using Pail.Images;
using Pail.Io;

namespace Pail.Tests.Images;

/// <summary>Whole copies, for tests that look at what arrived.</summary>
internal static class Copying
{
    public static Task<CopyResult> RunAsync(IImageSource source, IImageSink sink, CancellationToken cancel = default) =>
        ImageCopy.RunAsync(source, sink, new CopyOptions(), NoProgress.Instance, cancel);

    /// <summary>All that a source gives; it is disposed.</summary>
    public static async Task<MemoryImage> ReadAsync(IImageSource source)
    {
        var image = new MemoryImage();
        await using (source)
            await RunAsync(source, image);
        return image;
    }
}
