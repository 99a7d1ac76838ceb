using System.Collections.ObjectModel;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pail.Io;

namespace Pail.Stores.Folder;

/// <summary>
/// What goes with an object beside its bytes and its name, kept in the extended attribute <c>user.pail</c> of its file:
/// lines of <c>name=value</c>, control characters and <c>%</c> in values as <c>%XX</c>.
/// It is set before the file gets its name, so it appears with the content at once.
/// </summary>
/// <param name="ETag">The version tag.</param>
/// <param name="ContentType">The content type, if the file's name doesn't say it.</param>
/// <param name="CacheControl">The Cache-Control, if any.</param>
/// <param name="Metadata">User metadata.</param>
internal sealed record FolderAttributes(string ETag, string? ContentType, string? CacheControl, IReadOnlyDictionary<string, string> Metadata)
{
    private const string Name = "user.pail";
    private const int MaxMetadata = 2048;

    private static readonly IReadOnlyDictionary<string, string> None = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>The attributes an object with these headers has.</summary>
    /// <exception cref="StoreException">There is more metadata than S3 takes.</exception>
    public static FolderAttributes Of(string etag, ObjectHeaders headers)
    {
        if (headers.Metadata.Sum(pair => Encoding.UTF8.GetByteCount(pair.Key) + Encoding.UTF8.GetByteCount(pair.Value)) > MaxMetadata)
            throw new StoreException(StoreError.Rejected, $"User metadata has at most {MaxMetadata} bytes.");
        var type = FolderTypes.TypeOf(FolderTypes.IndexOf(headers.ContentType)) is null ? headers.ContentType : null;
        return new(etag, type, headers.CacheControl, headers.Metadata);
    }

    /// <summary>The attributes of a file; null if it has none, or lies on a file system that keeps none.</summary>
    public static FolderAttributes? Read(SafeFileHandle file)
    {
        Span<byte> buffer = stackalloc byte[512];
        int length;
        while ((length = Posix.GetAttribute(file, Name, buffer, out var error)) < 0)
        {
            if (error == Posix.NoAttribute || error == Posix.NotSupported)
                return null;
            if (error != Posix.Range || buffer.Length > 1 << 16)
                throw Posix.Failed(error);
            buffer = new byte[buffer.Length * 4];
        }
        return Parse(Encoding.UTF8.GetString(buffer[..length]));
    }

    /// <summary>Gives a file these attributes; false on a file system that keeps none.</summary>
    public bool Write(SafeFileHandle file) => Posix.SetAttribute(file, Name, Encoding.UTF8.GetBytes(ToString())) switch
    {
        0 => true,
        var error when error == Posix.NotSupported => false,
        var error => throw Posix.Failed(error),
    };

    /// <summary>Reads what <see cref="ToString"/> wrote; null if that isn't what it is.</summary>
    public static FolderAttributes? Parse(string text)
    {
        string? etag = null, type = null, cache = null;
        Dictionary<string, string>? metadata = null;
        foreach (var range in text.AsSpan().Split('\n'))
        {
            var line = text.AsSpan(range);
            var sign = line.IndexOf('=');
            if (sign < 0)
                continue;
            var value = Unescape(line[(sign + 1)..]);
            switch (line[..sign])
            {
                case "etag":
                    etag = value;
                    break;
                case "type":
                    type = value;
                    break;
                case "cache":
                    cache = value;
                    break;
                case ['m', 'e', 't', 'a', '.', .. var name]:
                    (metadata ??= [])[Unescape(name)] = value;
                    break;
            }
        }
        return etag is null ? null : new(etag, type, cache, metadata ?? None);
    }

    /// <summary>The text kept in the attribute.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Append("etag", ETag);
        Append("type", ContentType);
        Append("cache", CacheControl);
        foreach (var (name, value) in Metadata)
            Append("meta." + Escape(name, '='), value);
        return text.ToString();

        void Append(string name, string? value)
        {
            if (value is not null)
                text.Append(name).Append('=').Append(Escape(value, '%')).Append('\n');
        }
    }

    private static string Escape(string value, char also) => string.Concat(value.Select(c => c is < ' ' or '\x7f' or '%' || c == also ? Uri.HexEscape(c) : c.ToString()));

    private static string Unescape(ReadOnlySpan<char> value) => value.Contains('%') ? Uri.UnescapeDataString(value) : value.ToString();
}
