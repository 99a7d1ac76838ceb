using Pail.Images;
using Pail.Io;
using Pail.Oci;

namespace Pail.OciLayout;

/// <summary>A layout in a directory, being written to, by several processes at once if need be.</summary>
internal sealed class LayoutDirectory(string name, string directory)
{
    private readonly ArrivingFiles _files = new(directory);
    private readonly string _marker = Path.Combine(directory, LayoutPaths.Marker);
    private readonly string _index = Path.Combine(directory, LayoutPaths.Index);

    /// <summary>Reads from it.</summary>
    public DirectoryFiles Files { get; } = new(directory);

    /// <summary>Makes the directory a layout, unless it is one.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: it holds something else.</exception>
    public async Task EnsureAsync(CancellationToken cancel)
    {
        ThrowIfOther();
        if (!IsLayout)
            await (await LockAsync(cancel)).DisposeAsync();
    }

    /// <summary>Refuses a directory that holds something else; writes nothing.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: it does.</exception>
    public void ThrowIfOther()
    {
        if (IsLayout)
            return;
        if (File.Exists(directory))
            throw new PailException(Failure.BadInput, $"{name}: this is a file; a directory is expected.");
        // The marker is made first: where another process has begun something, there is one by now.
        if (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any() && !IsLayout)
            throw new PailException(Failure.BadInput, $"{name}: the directory holds something else than an OCI image layout; name a new or an empty one.");
    }

    /// <summary>What index.json lists; nothing if there is none yet.</summary>
    public async Task<LayoutIndex> ReadIndexAsync(CancellationToken cancel) =>
        LayoutIndex.Parse(name, await Files.ReadAsync(name, LayoutPaths.Index, LayoutIndex.MaxSize, cancel));

    /// <summary>Makes a tag name an image, keeping what others write at the same time.</summary>
    public async Task AddAsync(Manifest image, string? tag, CancellationToken cancel)
    {
        await using var held = await LockAsync(cancel);
        _files.Replace(LayoutPaths.Index, (await ReadIndexAsync(cancel)).With(image, tag));
    }

    /// <summary>Adds a manifest that is there to the list of what refers to its subject, which a tag names, for layouts know no referrers.</summary>
    public async Task AddReferrerAsync(Manifest referrer, CancellationToken cancel)
    {
        await using var held = await LockAsync(cancel);
        var subject = referrer.Subject!.Digest;
        var listed = await ListReferrersAsync(subject, cancel);
        if (listed.Any(entry => entry.Digest == referrer.Digest))
            return;
        var list = Manifest.Parse(ReferrerList.Write([.. listed, ReferrerList.Describe(referrer)]), MediaTypes.OciIndex);
        await PutAsync(list, cancel);
        _files.Replace(LayoutPaths.Index, (await ReadIndexAsync(cancel)).With(list, ReferrerTags.List(subject)));
    }

    /// <summary>What the lists in tags say refers to a manifest.</summary>
    public async Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel)
    {
        var listed = new List<Descriptor>();
        foreach (var entry in (await ReadIndexAsync(cancel)).Find(ReferrerTags.List(subject)))
            // One that is gone is written anew.
            if (await Files.ReadAsync(name, LayoutPaths.Blob(entry.Digest), Manifest.MaxSize, cancel) is { } bytes)
                listed.AddRange(Manifest.Parse(bytes, entry).Manifests);
        return [.. listed.DistinctBy(entry => entry.Digest)];
    }

    /// <summary>Whether a blob is there. One of the right size was verified when it came, so it is taken to be right.</summary>
    public bool Has(Descriptor blob) => _files.Has(LayoutPaths.Blob(blob.Digest), blob);

    /// <summary>Brings a blob in, going on where an interrupted run stopped.</summary>
    public Task<BlobOutcome> PutAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel) =>
        _files.PutAsync(LayoutPaths.Blob(blob.Digest), blob, open, progress, cancel);

    /// <summary>Brings a manifest in.</summary>
    public Task<BlobOutcome> PutAsync(Manifest manifest, CancellationToken cancel) => _files.PutAsync(LayoutPaths.Blob(manifest.Digest), manifest, cancel);

    /// <summary>Removes the folder of unfinished blobs, if there is none left.</summary>
    public void Tidy() => _files.Tidy();

    private bool IsLayout => File.Exists(_marker) || File.Exists(_index);

    // The marker never changes, so it serves as the lock, and nothing has to be tidied away.
    private async Task<FileStream> LockAsync(CancellationToken cancel)
    {
        var held = await FileLock.OpenAsync(_marker, cancel);
        if (held.Length == 0)
            await held.WriteAsync(LayoutPaths.MarkerContent.ToArray(), cancel);
        return held;
    }
}
