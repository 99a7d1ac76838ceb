using Pail.Io;
using Pail.Oci;

namespace Pail.OciLayout;

/// <summary>Files that come into a directory, each whole or not at all, of several processes at once if need be.</summary>
/// <param name="directory">The directory; paths of files are relative to it.</param>
internal sealed class ArrivingFiles(string directory)
{
    // Not among the blobs, where other tools expect digests and nothing else.
    private readonly string _partials = Path.Combine(directory, ".pail-partial");

    /// <summary>Whether a file is there. One of the right size was verified when it came, so it is taken to be right.</summary>
    public bool Has(string path, Descriptor content) => LocalFiles.SizeOf(Path.Combine(directory, path)) == content.Size;

    /// <summary>Brings a file in, going on where an interrupted run stopped.</summary>
    public async Task<BlobOutcome> PutAsync(string path, Descriptor content, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (Has(path, content))
            return BlobOutcome.Existed;
        var partial = Path.Combine(_partials, $"{content.Digest.AlgorithmName}-{content.Digest.Hex}");
        await using (var file = await FileLock.OpenAsync(partial, cancel))
        {
            if (Has(path, content))
            {
                // Another process brought it while this one waited for the file, and may have tidied up already.
                Folders.RemoveFile(partial);
                return BlobOutcome.Existed;
            }
            await PartialBlob.FillAsync(file, content, open, progress, cancel);
            file.Flush(flushToDisk: true);
            var final = Path.Combine(directory, path);
            Folders.Make(Path.GetDirectoryName(final)!);
            File.Move(partial, final, overwrite: true);
        }
        return BlobOutcome.Sent;
    }

    /// <summary>Brings a manifest in.</summary>
    public Task<BlobOutcome> PutAsync(string path, Manifest manifest, CancellationToken cancel) => PutAsync(
        path, manifest.Descriptor, (offset, _) => Task.FromResult<Stream>(new MemoryStream(manifest.Bytes[(int)offset..].ToArray())), NoProgress.Instance, cancel);

    /// <summary>Replaces a small file: a reader finds the old content or the new.</summary>
    public void Replace(string path, ReadOnlySpan<byte> content)
    {
        var final = Path.Combine(directory, path);
        var temporary = $"{final}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, final, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Removes the folder of unfinished files, if there is none left.</summary>
    public void Tidy() => Folders.RemoveIfEmpty(_partials);
}
