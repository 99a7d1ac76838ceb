using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Pail.Places;
using Pail.Stores;

namespace ToyStore;

/// <summary>Opens <c>toy://SHELF</c>: buckets in the memory of this process. A shelf exists once its name was used.</summary>
public sealed class ToyProvider : IStoreProvider
{
    private static readonly ConcurrentDictionary<string, ToyShelf> Shelves = new();

    public string Scheme => "toy";

    public void CheckBucket(string bucket)
    {
        if (bucket.Length == 0 || !bucket.All(char.IsAsciiLetterLower))
            throw new FormatException($"'{bucket}' is not the name of a shelf: lower-case letters are expected.");
    }

    public IObjectStore Open(BucketRoot.Url root, RequestMeter meter)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new ToyObjects(root, Shelves.GetOrAdd(root.Bucket, _ => new ToyShelf()), meter);
    }

    // A store in a library is registered by the programs that use it: see src/Pail.S3/buildTransitive.
    [ModuleInitializer]
    internal static void Register() => StoreProviders.Register(new ToyProvider());
}
