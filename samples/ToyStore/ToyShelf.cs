using Pail.Stores;

namespace ToyStore;

/// <summary>What lies on a shelf. All access is under its lock.</summary>
internal sealed class ToyShelf
{
    public Lock Lock { get; } = new();

    public SortedDictionary<string, ToyObject> Objects { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, ToyUpload> Uploads { get; } = [];
}

/// <summary>An object: its bytes never change.</summary>
internal sealed record ToyObject(byte[] Bytes, ObjectHeaders Headers, DateTimeOffset Modified)
{
    public string ETag { get; } = Guid.NewGuid().ToString("N");

    public ObjectInfo Info => new(Bytes.Length, ETag, Modified, Headers.ContentType) { CacheControl = Headers.CacheControl, Metadata = Headers.Metadata };
}

/// <summary>An upload that is not yet an object.</summary>
internal sealed record ToyUpload(string Key, ObjectHeaders Headers, DateTimeOffset Started)
{
    public SortedDictionary<int, (string ETag, byte[] Bytes)> Parts { get; } = [];
}
