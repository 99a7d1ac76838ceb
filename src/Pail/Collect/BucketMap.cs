using System.Collections.Concurrent;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Collect;

/// <summary>
/// What a bucket holds and what names what: one LIST for each 1,000 objects, and one GET for each tag and manifest that is not remembered
/// from the last collection.
/// </summary>
internal sealed class BucketMap
{
    private const int Many = 10_000;

    private readonly Bucket _bucket;
    private readonly LinkMemory _memory;
    private readonly CollectOptions _options;
    private readonly Dictionary<string, Node> _nodes = [];
    private readonly ConcurrentBag<string> _warnings = [];
    private readonly ConcurrentDictionary<string, bool> _unreadable = new();
    private ILookup<Digest, Node> _lists = Array.Empty<Node>().ToLookup(static _ => default(Digest));

    private BucketMap(Bucket bucket, LinkMemory memory, CollectOptions options) => (_bucket, _memory, _options) = (bucket, memory, options);

    /// <summary>The objects of images.</summary>
    public IReadOnlyCollection<Node> Nodes => _nodes.Values;

    /// <summary>Other objects of Pail's own: what is remembered of layers, staged bytes, what collections keep.</summary>
    public List<BucketItem> Own { get; } = [];

    /// <summary>How many objects are none of Pail's, and how many bytes they have.</summary>
    public (long Objects, long Bytes) Foreign { get; private set; }

    /// <summary>How many bytes all objects but foreign ones have.</summary>
    public long Bytes { get; private set; }

    /// <summary>What can't be read, or is of a kind that is not known here; all that could hang on it is kept.</summary>
    public IEnumerable<string> Warnings => _warnings.Order(StringComparer.Ordinal);

    /// <summary>Lists the bucket and reads what names what.</summary>
    /// <exception cref="PailException">A page can't be listed, or an object can't be read for a reason that may pass: then nothing is known for certain.</exception>
    public static async Task<BucketMap> ReadAsync(Bucket bucket, LinkMemory memory, CollectOptions options, CancellationToken cancel, string prefix = "")
    {
        // Some 600 bytes an object: where there are many, the map of an earlier look makes room before the next comes beside it.
        if (memory.Count > Many)
            GC.Collect();
        var map = new BucketMap(bucket, memory, options);
        await foreach (var item in bucket.ListItemsAsync(new ListQuery(prefix), cancel))
            map.Add(item);
        map._lists = map._nodes.Values.Where(node => node.Kind == KeyKind.Referrers).ToLookup(node => bucket.Layout.Read(node.Key).Digest!.Value);
        await map.ReadLinksAsync(cancel);
        map.ConnectByName();
        return map;
    }

    /// <summary>The object of a key; null if there was none.</summary>
    public Node? Find(string? key) => key is not null && _nodes.TryGetValue(key, out var node) ? node : null;

    /// <summary>True if a manifest that can't be read could name the object.</summary>
    public bool MayBeNamedUnread(Node node) => !_unreadable.IsEmpty && (_bucket.SharesBlobs || _unreadable.ContainsKey(node.Repository.ToString()!));

    private void Add(BucketItem item)
    {
        var ((kind, repository, digest, _), entry) = item;
        if (kind == KeyKind.Foreign)
        {
            Foreign = (Foreign.Objects + 1, Foreign.Bytes + entry.Size);
            return;
        }
        Bytes += entry.Size;
        if (kind is KeyKind.Blob or KeyKind.Manifest or KeyKind.Tag or KeyKind.TagCompanion or KeyKind.Referrers or KeyKind.Removed)
            _nodes[entry.Key] = new(entry.Key, kind, entry.Size, entry.Modified)
            {
                Repository = repository,
                Version = kind is KeyKind.Tag or KeyKind.Removed ? $"{entry.Key}\n{entry.ETag}\n{entry.Size}\n{entry.Modified.UtcTicks}" : "",
            };
        else
            Own.Add(item);
    }

    private async Task ReadLinksAsync(CancellationToken cancel)
    {
        // Tags first: what they hold are manifests, which need not be read again by digest.
        await ReadAsync(_nodes.Values.Where(node => node.Kind is KeyKind.Tag or KeyKind.Removed), cancel);
        await ReadAsync(_nodes.Values.Where(node => node.Kind == KeyKind.Manifest), cancel);
        if (!_bucket.SharesBlobs)
            return;
        // In a pool manifests lie among the blobs: those that something names as manifests, and then whatever nothing names as a blob.
        while (_nodes.Values.Where(node => node is { Kind: KeyKind.Blob, IsRead: false, IsExpected: true, Size: <= Manifest.MaxSize }).ToList() is { Count: > 0 } named)
            await ReadAsync(named, cancel);
        while (_nodes.Values.Where(node => node is { Kind: KeyKind.Blob, IsRead: false, IsBlob: false, Size: <= Manifest.MaxSize }).ToList() is { Count: > 0 } unnamed)
            await ReadAsync(unnamed, cancel);
    }

    private Task ReadAsync(IEnumerable<Node> nodes, CancellationToken cancel) =>
        Concurrently.ForEachAsync(nodes.ToList(), _options.AtOnce, node => ReadAsync(node, cancel));

    private async Task ReadAsync(Node node, CancellationToken cancel)
    {
        node.IsRead = true;
        var digest = _bucket.Layout.Read(node.Key).Digest;
        var version = digest?.ToString() ?? node.Version;
        var links = _memory.Find(version);
        if (links is null && digest is not null && _memory.Find("-" + version) is not null)
        {
            node.IsBlob = true;
            return;
        }
        if (links is not null && _memory.Find("?" + version) is not null)
            WarnOfUnknown(node);
        if (links is null)
        {
            if (await LoadAsync(node, digest, version, cancel) is not { } loaded)
                return;
            links = loaded;
        }
        lock (_nodes)
            Connect(node, links);
    }

    // Null where there is nothing to connect: it is gone, is no manifest, or can't be read.
    private async Task<IReadOnlyList<Link>?> LoadAsync(Node node, Digest? digest, string version, CancellationToken cancel)
    {
        if (node.Size > Manifest.MaxSize)
            return Remember(null);
        if (await SmallObject.ReadAsync(_bucket.Store, node.Key, Manifest.MaxSize, cancel) is not var (bytes, info))
            return null;
        if (node.Kind == KeyKind.Removed)
            return Remember(Link.Of(RemovedEntry.Read(bytes)));
        var damaged = bytes.IsEmpty || (digest is { } stated && Digest.Of(bytes.Span, stated.Algorithm) != stated);
        var read = damaged ? null : Link.Read(bytes, info.ContentType);
        if (read is null && node.Kind == KeyKind.Blob && !damaged)
        {
            node.IsBlob = true;
            _memory.Remember("-" + version, []);
            return null;
        }
        if (read is not var (links, isKnown))
            return Remember(null);
        if (!isKnown)
        {
            WarnOfUnknown(node);
            _memory.Remember("?" + version, []);
        }
        if (node.Kind != KeyKind.Tag)
            return Remember(links);
        // A tag's object is the manifest: where no other has the digest, it names the parts itself.
        var named = BucketLayout.DigestOf(info) is { } own && Digest.Of(bytes.Span, own.Algorithm) == own ? own : Digest.Of(bytes.Span);
        _memory.Remember(named.ToString(), links);
        return Remember([new(LinkKind.Manifest, named), .. links, .. Link.OfMoves(TagHistory.Read(info))]);

        IReadOnlyList<Link>? Remember(IReadOnlyList<Link>? names)
        {
            if (names is not null)
            {
                _memory.Remember(version, names);
                return names;
            }
            _warnings.Add($"{node.Key}: can't be read, it is damaged; {(_bucket.SharesBlobs ? "nothing is collected" : "nothing of its repository is collected")}");
            _unreadable[_bucket.SharesBlobs ? "" : node.Repository.ToString()!] = true;
            return null;
        }
    }

    private void WarnOfUnknown(Node node) => _warnings.Add($"{node.Key}: a manifest of a type that is not known here; everything that has a digest in it is kept");

    private void Connect(Node node, IReadOnlyList<Link> links)
    {
        var layout = _bucket.Layout;
        node.IsManifest = node.Kind is KeyKind.Manifest or KeyKind.Blob;
        if (node.Kind == KeyKind.Tag)
            node.Names = links[0].Digest;
        foreach (var link in links)
        {
            // In a pool the repository makes no difference.
            var repository = node.Repository ?? default;
            var manifest = Find(layout.ManifestKey(repository, Reference.Of(link.Digest)));
            var blob = link.Kind is LinkKind.Blob or LinkKind.Any ? Find(layout.BlobKey(repository, link.Digest)) : null;
            switch (link.Kind)
            {
                case LinkKind.Dropped:
                    if (manifest is not null && !(manifest.Dropped >= node.Modified))
                        manifest.Dropped = node.Modified;
                    break;
                case LinkKind.Blob when blob is not null:
                    blob.IsBlob = true;
                    AddPart(blob);
                    break;
                case LinkKind.Any when blob is not null && blob != manifest:
                    AddPart(blob);
                    AddPart(manifest);
                    break;
                case LinkKind.Any or LinkKind.Manifest:
                    Expect(manifest);
                    AddPart(manifest);
                    break;
                case LinkKind.Past when link.Until > _options.KeptSince && manifest is not null:
                    Expect(manifest);
                    node.Keep(manifest);
                    break;
                case LinkKind.Subject:
                    // Kept together, whichever of the two is kept for another reason; and the list that says so.
                    Expect(manifest);
                    if (manifest is not null && manifest != node)
                    {
                        node.Subject = manifest;
                        node.Keep(manifest);
                        if (_bucket.Steps.ReferrersStay)
                            manifest.Keep(node);
                    }
                    foreach (var list in _lists[link.Digest])
                        node.Keep(list);
                    break;
            }
        }

        void AddPart(Node? part)
        {
            if (part is not null && part != node)
                node.AddPart(part);
        }

        // In a pool: to be read as a manifest.
        static void Expect(Node? part)
        {
            if (part is { Kind: KeyKind.Blob })
                part.IsExpected = true;
        }
    }

    // What belongs together by its keys: the second object of a tag, a manifest's list of referrers, the tags by which cosign and older clients refer to manifests.
    private void ConnectByName()
    {
        var layout = _bucket.Layout;
        foreach (var node in _nodes.Values)
        {
            var (kind, repository, digest, tag) = layout.Read(node.Key);
            switch (kind)
            {
                case KeyKind.TagCompanion:
                    Find(layout.ManifestKey(repository!.Value, Reference.Parse(tag)))?.Keep(node);
                    break;
                case KeyKind.Referrers when _bucket.Settings.Public || node.Size > ReferrerList.Empty.Length:
                    Find(layout.ManifestKey(repository!.Value, Reference.Of(digest!.Value)))?.Keep(node);
                    break;
                case KeyKind.Tag when ReferringTag.SubjectOf(tag!) is { } subject && Find(layout.ManifestKey(repository!.Value, Reference.Of(subject))) is { } manifest:
                    node.IsDependent = true;
                    manifest.Keep(node);
                    break;
            }
        }
    }
}
