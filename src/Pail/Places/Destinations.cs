using Pail.Oci;

namespace Pail.Places;

/// <summary>Completes the address of a destination with what the source's says.</summary>
internal static class Destinations
{
    /// <summary>A destination of any kind.</summary>
    public static Address Anywhere(string text, Address from) => AddressParser.Parse(text) switch
    {
        Address.Bucket bucket => Complete(text, bucket, from),
        Address.Registry { Reference: null } registry => registry with { Reference = Reference.Parse(NameOf(from).Tag ?? Addressed.DefaultTag) },
        // An image without a name is of little use to who loads it.
        Address.DockerArchive { Image: null } archive => archive with { Image = EngineName(from) },
        var other => other,
    };

    /// <summary>A destination that others pull from: in a bucket, or behind a registry server.</summary>
    public static Address InBucket(string text, Address from) => AddressParser.Parse(text) is Address.Registry ? Anywhere(text, from) : Complete(text, Addressed.Bucket(text), from);

    /// <summary>A destination that has room for many images: each gets the name it has where it comes from, and its tag or digest.</summary>
    public static Address AmongMany(string text, Address from)
    {
        var name = NameOf(from).Name ?? throw Addressed.Bad(from.ToString(), "it has no repository's name to be copied under.");
        var reference = from is Address.Bucket { Reference: { } inBucket } ? inBucket : from is Address.Registry { Reference: { } inRegistry } ? inRegistry : Reference.Parse(NameOf(from).Tag ?? Addressed.DefaultTag);
        if (IsRegistryPrefix(text))
            return (Address.Registry)AddressParser.Parse($"{text}{name}") with { Reference = reference };
        return AddressParser.Parse(text) switch
        {
            Address.Bucket bucket => bucket with { Repository = name, Reference = reference },
            Address.OciLayout layout => layout with { Tag = $"{name}{(reference.Digest is null ? ":" : "@")}{reference}" },
            _ => throw new InvalidOperationException(),
        };
    }

    /// <summary>Refuses what <see cref="AmongMany"/> can't complete.</summary>
    public static void ThrowUnlessForMany(string text)
    {
        if (!IsRegistryPrefix(text) && AddressParser.Parse(text) is not (Address.Bucket { Repository: null } or Address.OciLayout { Tag: null }))
            throw Addressed.Bad(text, "a destination for many images is expected, whose names come from the sources: s3://BUCKET, s3://BUCKET/PREFIX//, file:DIR, docker://HOST/, docker://HOST/PREFIX/ or oci:DIR.");
    }

    // A registry as a whole has no address; what ends in a slash goes on with names.
    private static bool IsRegistryPrefix(string text) => text.StartsWith("docker://", StringComparison.Ordinal) && text.Length > "docker://".Length && text[^1] == '/';

    /// <summary>The local Docker Engine, under the name the image has where it comes from.</summary>
    public static Address InEngine(Address from)
    {
        if (EngineName(from) is { } name)
            return new Address.DockerDaemon(name);
        throw Addressed.Bad(from.ToString(), $"an image of the engine needs a tag, which a digest does not give; name the destination, such as docker-daemon:{NameOf(from).Name}:1.0.");
    }

    // What docker calls an image that it has from there; null where the address does not say it.
    private static string? EngineName(Address from) => from switch
    {
        Address.Bucket { Repository: { } name, Reference.Tag: { } tag } => $"{name}:{tag}",
        Address.Registry { Reference.Tag: { } tag } registry => $"{registry.Host}/{registry.Repository}:{tag}",
        Address.DockerDaemon { Image: var image } when NameOf(image).Name is not null && !image.Contains('@', StringComparison.Ordinal) => image,
        _ => null,
    };

    private static Address Complete(string text, Address.Bucket to, Address from)
    {
        var (name, tag) = NameOf(from);
        // Completed, it is looked at once more as a whole: "file:dir/app:1.0" is most likely no folder.
        var repository = to.Repository ?? (name is { } known ? known : null);
        return repository is null
            ? Addressed.Image(text)
            : to with { Repository = repository, Reference = to.Reference ?? Reference.Parse(tag ?? Addressed.DefaultTag) };
    }

    /// <summary>The repository and tag an address speaks of, as far as it does.</summary>
    internal static (RepositoryName? Name, string? Tag) NameOf(Address address) => address switch
    {
        Address.Bucket { Repository: var name, Reference: var reference } => (name, reference?.Tag),
        Address.DockerDaemon { Image: var image } => NameOf(image),
        // What Docker Hub calls library/alpine, people call alpine.
        Address.Registry { Host: "docker.io", Repository: var name, Reference: var reference } when name.ToString().StartsWith("library/", StringComparison.Ordinal) => (RepositoryName.Parse(name.ToString()["library/".Length..]), reference?.Tag),
        Address.Registry { Repository: var name, Reference: var reference } => (name, reference?.Tag),
        Address.OciLayout { Tag: { } tag } => NameOfTag(tag),
        Address.OciArchive { Tag: { } tag } => NameOfTag(tag),
        Address.DockerArchive { Image: { } image } => NameOf(image),
        _ => (null, null),
    };

    // The tag of a layout is a tag, or the whole name of an image.
    private static (RepositoryName? Name, string? Tag) NameOfTag(string text) => Reference.IsTag(text) ? (null, text) : NameOf(text);

    // [HOST[:PORT]/]NAME[:TAG][@DIGEST]; docker takes the first part for a host if it has a dot, a colon, or is localhost.
    private static (RepositoryName? Name, string? Tag) NameOf(string image)
    {
        if (Digest.TryParse(image, out _))
            return (null, null);
        var at = image.IndexOf('@', StringComparison.Ordinal);
        var name = at < 0 ? image : image[..at];
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && (name.AsSpan(0, slash).ContainsAny('.', ':') || name.AsSpan(0, slash) is "localhost"))
            name = name[(slash + 1)..];
        var colon = name.LastIndexOf(':');
        var tag = colon > name.LastIndexOf('/') ? name[(colon + 1)..] : null;
        return (RepositoryName.TryParse(tag is null ? name : name[..colon], out var repository) ? repository : null, Reference.IsTag(tag) ? tag : null);
    }
}
