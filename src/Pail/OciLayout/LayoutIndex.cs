using System.Globalization;
using Pail.Images;
using Pail.Oci;

namespace Pail.OciLayout;

/// <summary>The <c>index.json</c> of a layout: which images it holds, by tag. Source: OCI image-spec, image-layout.md, "index.json file".</summary>
internal sealed class LayoutIndex
{
    /// <summary>The largest index.json taken, in bytes (16 MiB): some fifty thousand images.</summary>
    public const int MaxSize = 16 << 20;

    private const string RefName = "org.opencontainers.image.ref.name";

    // What containerd and docker save write beside it: the whole name, docker.io/library/app:1.0.
    private const string ImageName = "io.containerd.image.name";

    private readonly string _name;
    private readonly byte[] _bytes;

    private LayoutIndex(string name, byte[] bytes, IReadOnlyList<Descriptor> entries) => (_name, _bytes, Entries) = (name, bytes, entries);

    /// <summary>What it lists.</summary>
    public IReadOnlyList<Descriptor> Entries { get; }

    /// <summary>Reads an index; null stands for one without images.</summary>
    /// <param name="name">The layout's address, for messages.</param>
    /// <param name="bytes">The bytes of index.json.</param>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is none.</exception>
    public static LayoutIndex Parse(string name, byte[]? bytes)
    {
        try
        {
            bytes ??= ManifestWriter.Index([]);
            using var document = JsonText.Parse(bytes);
            var reader = new ManifestReader(document.RootElement);
            // The content of an entry tells its type too; one without must not spoil the others.
            return MediaTypes.IsIndex(reader.MediaType(MediaTypes.OciIndex, isProven: true))
                ? new(name, bytes, reader.List("manifests", untyped: true))
                : throw new FormatException("it is not an OCI index");
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadContent, $"{name}: index.json can't be used: {JsonText.Why(e)}.", e);
        }
    }

    /// <summary>The entry a tag names, or <c>@</c> and its digest or its place; without a tag the only one, or the only one that has no tag.</summary>
    /// <exception cref="PailException"><see cref="Failure.NotFound"/>: none does; the message lists those there are. <see cref="Failure.BadInput"/>: several could be meant.</exception>
    public Descriptor Pick(string? tag)
    {
        var found = Candidates(tag);
        return found.Count switch
        {
            1 => found[0],
            0 when Entries.Count == 0 => throw new PailException(Failure.NotFound, $"{_name} holds no image."),
            0 => throw new PailException(Failure.NotFound, $"{_name} has no image {SafeText.OneLine(tag)}; it has {List(found)}."),
            _ when tag is null => throw new PailException(Failure.BadInput, $"{_name} holds several images; add ':' and a tag, '@' and a digest, or '@' and a number from 0. It has {List(found)}."),
            _ => throw new PailException(Failure.BadInput, $"{_name} has several images {SafeText.OneLine(tag)}: {string.Join(", ", found.Take(10).Select(entry => entry.Digest))}."),
        };
    }

    /// <summary>The entries that a tag may mean; none if there is no such tag.</summary>
    public IReadOnlyList<Descriptor> Find(string tag) => Candidates(tag);

    /// <summary>The entry whose name, as containerd and BuildKit write it, is one of these once both are made whole; null if there is none.</summary>
    public Descriptor? OfWholeName(IReadOnlyCollection<string> wholeNames, Func<string, string> whole) =>
        Entries.FirstOrDefault(entry => entry.Annotations.TryGetValue(ImageName, out var name) && wholeNames.Contains(whole(name)));

    /// <summary>Refuses what chooses an image, but can't be its name.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: <paramref name="tag"/> is none.</exception>
    public static string? TagToGive(string address, string? tag)
    {
        if (tag is ['@', ..])
            throw new PailException(Failure.BadInput, $"{address}:{tag}: an image can't be given a digest or a place; name a tag.");
        // A path with a colon, most likely, of which all behind the colon would become a name.
        if (tag is not null && tag.LastIndexOf('/') is > 0 and var slash && !tag.AsSpan(slash).ContainsAny(':', '@'))
            throw new PailException(Failure.BadInput, $"{address}:{tag}: a path can't hold ':', and '{tag}' is no tag. If it is a name, add its tag: {address}:{tag}:latest. If it is part of the path, use a link to it without ':'.");
        return tag;
    }

    /// <summary>True if the address names exactly this manifest.</summary>
    public bool Names(string? tag, Digest digest) => Candidates(tag) is [var only] && only.Digest == digest;

    /// <summary>The bytes of this index with an image under a tag, in place of the one that had it; all other entries stay as they are.</summary>
    /// <remarks>Without a tag, the image takes the place of the only untagged entry, which is what an address without a tag reads.</remarks>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: it would be too large to be read again.</exception>
    public byte[] With(Manifest image, string? tag, string? wholeName = null)
    {
        var untagged = Entries.Count(entry => TagOf(entry) is null) == 1;
        bool Goes(Descriptor entry) => tag is null
            ? TagOf(entry) is null && (untagged || entry.Digest == image.Digest)
            : entry.Annotations.GetValueOrDefault(RefName) == tag;

        var entry = new Descriptor(image.MediaType, image.Digest, image.Size)
        {
            ArtifactType = image.ArtifactType,
            Annotations = new (string Name, string? Value)[] { (ImageName, wholeName), (RefName, tag) }.Where(pair => pair.Value is not null).ToDictionary(pair => pair.Name, pair => pair.Value!),
        };
        var stay = Entries.Zip(ManifestWriter.EntriesOf(_bytes)).Where(pair => !Goes(pair.First)).Select(pair => pair.Second);
        var output = ManifestWriter.WithEntries(_bytes, stay.Append(ManifestWriter.Describe(entry)));
        return output.Length <= MaxSize
            ? output
            : throw new PailException(Failure.BadInput, $"{_name} holds {Entries.Count} images already; index.json would be larger than {MaxSize} bytes.");
    }

    /// <summary>The bytes of an index with one image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="tag">Its tag; null for none.</param>
    /// <param name="wholeName">Its whole name, for containerd to call it by; null for none.</param>
    public static byte[] Of(Manifest image, string? tag, string? wholeName = null) => Parse("", null).With(image, tag, wholeName);

    // Exact names first; then the tag of a whole name, so that "1.0" finds docker.io/library/app:1.0.
    private List<Descriptor> Candidates(string? tag)
    {
        List<Descriptor> Matching(Func<Descriptor, bool> matches) => [.. Entries.Where(matches).DistinctBy(entry => entry.Digest)];
        if (tag is null)
            return Images() is { Count: <= 1 } all ? all : Matching(entry => TagOf(entry) is null) is { Count: 1 } untagged ? untagged : Images();
        if (tag is ['@', .. var choice])
            return Digest.TryParse(choice, out var digest) ? Matching(entry => entry.Digest == digest)
                : int.TryParse(choice, NumberStyles.None, CultureInfo.InvariantCulture, out var place) && place < Entries.Count ? [Entries[place]] : [];
        return Matching(entry => entry.Annotations.GetValueOrDefault(RefName) == tag) is { Count: > 0 } exact
            ? exact
            : Matching(entry => IsNameOf(tag, entry.Annotations.GetValueOrDefault(ImageName)) || IsNameOf(tag, entry.Annotations.GetValueOrDefault(RefName)));
    }

    // Nobody who names no tag means a signature, or a list of them, that lies beside the image.
    private List<Descriptor> Images() =>
        [.. (Entries.Where(entry => !ReferrerTags.IsOne(TagOf(entry))) is var images && images.Any() ? images : Entries).DistinctBy(entry => entry.Digest)];

    private static bool IsNameOf(string tag, string? name) => name is not null && (name == tag || name.EndsWith(":" + tag, StringComparison.Ordinal));

    private static string? TagOf(Descriptor entry) => entry.Annotations.GetValueOrDefault(RefName) ?? entry.Annotations.GetValueOrDefault(ImageName);

    // By all the names that the images have, of which one digest may have several; of all images if none is given.
    private string List(List<Descriptor> images)
    {
        var digests = (images.Count > 0 ? images : Images()).Select(image => image.Digest).ToHashSet();
        var entries = Entries.Where(entry => digests.Contains(entry.Digest) && !ReferrerTags.IsOne(TagOf(entry))).ToList();
        if (entries.Count == 0)
            entries = [.. Entries];
        var tags = entries.Select(TagOf).OfType<string>().Distinct().ToList();
        var untagged = entries.Where(entry => TagOf(entry) is null).Select(entry => entry.Digest).Distinct().ToList();
        var names = tags.Take(20).Select(tag => SafeText.OneLine(tag)).Concat(untagged.Take(5).Select(digest => $"@{digest}")).ToList();
        if (tags.Count + untagged.Count > names.Count)
            names.Add($"{tags.Count + untagged.Count - names.Count} more");
        return string.Join(", ", names);
    }
}
