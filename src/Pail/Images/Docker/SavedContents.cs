using Pail.Images.OciLayouts;
using Pail.Images.Tar;
using Pail.Oci;

namespace Pail.Images.Docker;

/// <summary>
/// What an archive of several images says of itself, found in a pass over its headers: so only the image asked for is
/// compressed, and an image that is not there is told before any is.
/// </summary>
internal sealed class SavedContents
{
    private readonly HashSet<string> _targets = [];
    private SavedList _list;
    private bool _holdsIndexes;

    private SavedContents(string name) => _list = SavedList.Parse(name, null);

    /// <summary>The layers nobody needs who needs this image.</summary>
    /// <remarks>
    /// A layer that a link leads to stays: Docker saves what two images share once. And of images for several platforms,
    /// which the containerd image store saves, the list names one platform only: there any layer may be needed.
    /// </remarks>
    public IReadOnlySet<string> Unneeded(SavedEntry image)
    {
        if (_holdsIndexes)
            return new HashSet<string>();
        var layers = _list.Entries.SelectMany(entry => entry.Layers).ToHashSet();
        layers.ExceptWith(image.Layers);
        layers.ExceptWith(_targets);
        return layers;
    }

    /// <summary>The image asked for; null where the archive lists none, and an OCI index has to say it.</summary>
    /// <exception cref="PailException">It is not there, or several could be meant.</exception>
    public SavedEntry? Pick(string? image) => image is null && _list.Entries.Count == 0 ? null : _list.Pick(image);

    /// <summary>Reads them.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: the archive is damaged, or none of Docker's.</exception>
    public static async Task<SavedContents> ReadAsync(string name, Stream tar, CancellationToken cancel)
    {
        var contents = new SavedContents(name);
        var (isList, isLayout, isOld) = (false, false, false);
        var scanner = new TarScanner(tar, name);
        while (await scanner.NextAsync(cancel) is { } entry)
        {
            if (entry.IsLink)
                contents._targets.Add(entry.TargetPath());
            else if (entry is { Kind: TarKind.File, Path: SavedList.Path })
                (isList, contents._list) = (true, SavedList.Parse(name, await ReadAsync(name, scanner, entry, Manifest.MaxSize, cancel)));
            else if (entry is { Kind: TarKind.File, Path: LayoutPaths.Index })
                (isLayout, contents._holdsIndexes) = (true, LayoutIndex.Parse(name, await ReadAsync(name, scanner, entry, LayoutIndex.MaxSize, cancel)).Entries.Any(image => MediaTypes.IsIndex(image.MediaType)));
            isOld |= entry.Path == "repositories";
        }
        return isList || isLayout ? contents : throw new PailException(Failure.BadContent, isOld
            ? $"{name} was saved by a Docker before 1.10, without {SavedList.Path}: load it into one, and save it from there."
            : $"{name} was not written by 'docker save': it has no {SavedList.Path}.");
    }

    private static async Task<byte[]> ReadAsync(string name, TarScanner scanner, TarEntry entry, int limit, CancellationToken cancel)
    {
        if (entry.Size > limit)
            throw new PailException(Failure.BadContent, $"{name}: {entry.Path} has {entry.Size} bytes; at most {limit} are taken.");
        var bytes = new byte[entry.Size];
        await using var content = scanner.OpenContent();
        await content.ReadExactlyAsync(bytes, cancel);
        return bytes;
    }
}
