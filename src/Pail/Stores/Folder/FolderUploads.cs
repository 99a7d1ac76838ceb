using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pail.Io;

namespace Pail.Stores.Folder;

/// <summary>
/// Uploads in parts. Each is a directory <c>.pail/uploads/ID</c> of <c>key</c>, <c>headers</c>, <c>content</c>
/// (the object to be, parts written at their offsets) and a small file for each part that has arrived. Writing a part
/// locks <c>content</c> for many, completing for one: a part still being written never reaches a finished object.
/// </summary>
internal sealed class FolderUploads(FolderRoot root)
{
    private const int MinPart = 5 << 20, MaxParts = 10_000;

    /// <summary>Begins an upload.</summary>
    public string Create(string key, ObjectHeaders headers)
    {
        var attributes = FolderAttributes.Of("", headers) with { ContentType = headers.ContentType };
        var draft = root.NewPrivatePath("tmp");
        Directory.CreateDirectory(draft);
        File.WriteAllText($"{draft}/key", key);
        File.WriteAllText($"{draft}/headers", attributes.ToString());
        File.WriteAllBytes($"{draft}/content", []);
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        root.Move(draft, root.PrivatePath($"uploads/{id}"))?.Dispose();
        return id;
    }

    /// <summary>Writes a part by <paramref name="write"/>, which gets the file to write to.</summary>
    public string AddPart(UploadId upload, int number, long offset, long length, Action<SafeFileHandle> write, CancellationToken cancel)
    {
        if (number is < 1 or > MaxParts)
            throw Refused(upload, $"part {number} is not between 1 and {MaxParts}");
        if (offset < 0)
            throw Refused(upload, $"part {number} can't begin at {offset}");
        using var content = Open(upload, exclusive: false, cancel);
        // Parts in one file must not overlap. Equal sizes never do; a part sent again with another size may.
        if ((ReadPart(upload, number - 1) is { } before && before.Offset + before.Part.Size > offset)
            || (ReadPart(upload, number + 1) is { } after && offset + length > after.Offset))
            throw Refused(upload, $"part {number} overlaps its neighbour; all parts but the last have one size");
        var etag = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        write(content);
        // Flushed now, while other parts are on their way, rather than all at the end.
        RandomAccess.FlushToDisk(content);
        var draft = root.NewPrivatePath("tmp");
        File.WriteAllText(draft, string.Create(CultureInfo.InvariantCulture, $"{offset} {length} {etag}"));
        var error = Posix.Rename(draft, PartPath(upload, number));
        if (error == 0)
            return etag;
        File.Delete(draft);
        throw error == Posix.NoEntry ? Unknown(upload) : Posix.Failed(error);
    }

    /// <summary>
    /// Makes the content of the parts ready: flushed, of the right length, with its attributes. Whoever disposes the file
    /// returned lets late parts go on, so it is moved away before.
    /// </summary>
    public (SafeFileHandle Content, string Path, string ETag, int Suffix) Finish(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel)
    {
        var content = Open(upload, exclusive: true, cancel);
        try
        {
            var headers = TryRead($"{DirectoryOf(upload)}/headers") is { } text ? FolderAttributes.Parse(text) : null;
            var length = Check(upload, parts);
            if (RandomAccess.GetLength(content) < length)
                throw Refused(upload, "bytes of its parts are missing");
            if (RandomAccess.GetLength(content) > length)
                RandomAccess.SetLength(content, length);
            var etag = $"{Oci.Digest.Of(Encoding.ASCII.GetBytes(string.Concat(parts.Select(p => p.ETag)))).Hex[..32]}-{parts.Count}";
            var type = headers?.ContentType ?? throw Unknown(upload);
            var suffix = FolderTypes.IndexOf(type);
            if (!(headers with { ETag = etag, ContentType = FolderTypes.TypeOf(suffix) is null ? type : null }).Write(content))
                etag = FolderObjects.ComputeETag(content);
            RandomAccess.FlushToDisk(content);
            return (content, ContentPath(upload), etag, suffix);
        }
        catch (Exception e)
        {
            content.Dispose();
            // What is missing of an upload that another caller drops meanwhile is not this caller's mistake.
            if (e is StoreException && !Exists(upload))
                throw Unknown(upload);
            throw;
        }
    }

    /// <summary>Drops an upload, or what is left of one that is finished.</summary>
    public void Remove(UploadId upload)
    {
        if (!IsKnown(upload))
            return;
        // Gone at once; then file by file.
        var trash = root.NewPrivatePath("tmp");
        using var directory = root.Move(DirectoryOf(upload), trash);
        if (directory is not null)
            FolderRoot.Discard(new DirectoryInfo(trash));
    }

    /// <summary>The parts that have arrived, by number.</summary>
    public IReadOnlyList<UploadedPart> ListParts(UploadId upload)
    {
        if (!Exists(upload))
            return [];
        try
        {
            return [.. new DirectoryInfo(DirectoryOf(upload)).EnumerateFiles()
                .Select(file => int.TryParse(file.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? ReadPart(upload, number)?.Part : null)
                .OfType<UploadedPart>()
                .OrderBy(part => part.Number)];
        }
        catch (DirectoryNotFoundException)
        {
            // Completed or dropped in this moment.
            return [];
        }
    }

    /// <summary>Uploads under way whose key begins so.</summary>
    public IReadOnlyList<PendingUpload> List(string prefix)
    {
        var uploads = new DirectoryInfo(root.PrivatePath("uploads"));
        if (!uploads.Exists)
            return root.Exists ? [] : throw FolderErrors.NoBucket(root);
        List<PendingUpload> found = [];
        foreach (var directory in uploads.EnumerateDirectories())
        {
            var file = new FileInfo($"{directory.FullName}/key");
            // Read first: a file that is gone has a time, too, of 1601.
            var started = file.LastWriteTimeUtc;
            // Without content it is completed, and only its remains are left.
            if (TryRead(file.FullName) is { } key && key.StartsWith(prefix, StringComparison.Ordinal) && File.Exists($"{directory.FullName}/content"))
                found.Add(new(new(key, directory.Name), new DateTimeOffset(started)));
        }
        return [.. found.OrderBy(u => u.Upload.Key, KeyOrder.Comparer).ThenBy(u => u.Started)];
    }

    // S3's rules: those listed are those sent, in order, none but the last under 5 MiB. And ours: one follows the other.
    private long Check(UploadId upload, IReadOnlyList<UploadedPart> parts)
    {
        if (parts.Count == 0)
            throw Refused(upload, "no parts are named");
        var end = 0L;
        for (var n = 0; n < parts.Count; n++)
        {
            var number = parts[n].Number;
            if (n > 0 && number <= parts[n - 1].Number)
                throw Refused(upload, "its parts are not in order");
            if (ReadPart(upload, number) is not var (offset, sent) || sent.ETag != parts[n].ETag)
                throw Refused(upload, $"part {number} did not arrive, or has another ETag");
            if (n < parts.Count - 1 && sent.Size < MinPart)
                throw Refused(upload, $"part {number} has {sent.Size} bytes; all but the last have at least {MinPart}");
            if (offset != end)
                throw Refused(upload, $"part {number} was sent for offset {offset}, but the part before ends at {end}");
            end += sent.Size;
        }
        return end;
    }

    // No lock is granted on what somebody else has completed or dropped meanwhile.
    private SafeFileHandle Open(UploadId upload, bool exclusive, CancellationToken cancel)
    {
        if (!Exists(upload))
            throw Unknown(upload);
        var path = ContentPath(upload);
        var content = Posix.OpenNoLinks(root.Path, path, write: true, out var error);
        if (content is null)
            throw error == Posix.NoEntry ? Unknown(upload) : Posix.Failed(error);
        FolderLocks.Lock(content, exclusive, cancel);
        if (File.Exists(path))
            return content;
        content.Dispose();
        throw Unknown(upload);
    }

    private (long Offset, UploadedPart Part)? ReadPart(UploadId upload, int number) =>
        TryRead(PartPath(upload, number))?.Split(' ') is [var offset, var size, var etag]
            ? (long.Parse(offset, CultureInfo.InvariantCulture), new(number, etag, long.Parse(size, CultureInfo.InvariantCulture)))
            : null;

    private static string? TryRead(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    // The id becomes part of a path, so it must be one of ours.
    private bool IsKnown(UploadId upload) =>
        upload.Id.Length == 32 && upload.Id.All(char.IsAsciiHexDigitLower) && TryRead($"{DirectoryOf(upload)}/key") == upload.Key;

    private bool Exists(UploadId upload) => IsKnown(upload) && File.Exists(ContentPath(upload));

    private string DirectoryOf(UploadId upload) => root.PrivatePath($"uploads/{upload.Id}");

    private string ContentPath(UploadId upload) => $"{DirectoryOf(upload)}/content";

    private string PartPath(UploadId upload, int number) => string.Create(CultureInfo.InvariantCulture, $"{DirectoryOf(upload)}/{number:00000}");

    /// <summary>There is no such upload.</summary>
    public StoreException Unknown(UploadId upload) => root.Exists
        ? new(StoreError.NoSuchUpload, $"{root.Name}, {Oci.SafeText.OneLine(upload.Key)}: there is no such upload (any more).")
        : FolderErrors.NoBucket(root);

    private StoreException Refused(UploadId upload, string why) =>
        new(StoreError.Rejected, $"{root.Name}, {Oci.SafeText.OneLine(upload.Key)}: {why}.");
}
