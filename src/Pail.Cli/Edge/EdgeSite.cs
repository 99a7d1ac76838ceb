using System.Security.Cryptography;
using System.Text;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Places;
using Pail.S3;

namespace Pail.Cli.Edge;

/// <summary>The bucket that an edge serves.</summary>
/// <param name="Root">Its address.</param>
/// <param name="Place">Where the store has it.</param>
/// <param name="Layout">Its layout.</param>
internal sealed record EdgeSite(BucketRoot.Url Root, BucketPlace Place, BucketLayout Layout)
{
    private const string AnyRepository = "pail--any/repository", AnyTag = "pail--any-tag";

    private static readonly RepositoryName Repository = RepositoryName.Parse(AnyRepository);
    private static readonly Digest Digest = Digest.Of("pail"u8);

    /// <summary>Letters and digits that tell this bucket from others, for names in configurations that several buckets share.</summary>
    public string Id => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Root.WithSeparator)).AsSpan(0, 4));

    /// <summary>A name for resources of a cloud: at most 60 letters, digits and hyphens.</summary>
    public string Name => $"pail-{new string([.. Root.Bucket.Take(45).Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')])}-{Id}";

    /// <summary>The path, on the host of <see cref="BucketPlace.Address"/>, that keys are added to; begins with <c>/</c> or is empty, and is escaped as in a URL.</summary>
    public string Path => Place.Address.AbsolutePath.TrimEnd('/') + EscapedPrefix;

    /// <summary>The prefix of the keys as the end of a path: empty, or beginning with <c>/</c>; escaped as in a URL.</summary>
    public string EscapedPrefix => string.Concat(Root.Prefix.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(part => "/" + Uri.EscapeDataString(part)));

    /// <summary>The keys of the layout without the prefix, in the syntax of an edge. They come from the layout itself.</summary>
    /// <param name="repository">What stands for a repository.</param>
    /// <param name="tag">What stands for a tag.</param>
    /// <param name="algorithm">What stands for the algorithm of a digest.</param>
    /// <param name="hex">What stands for its hexadecimal digits.</param>
    public EdgeKeys Keys(string repository, string tag, string algorithm, string hex)
    {
        string Fill(string key) => key.Replace(AnyRepository, repository, StringComparison.Ordinal).Replace(AnyTag, tag, StringComparison.Ordinal)
            .Replace(Digest.AlgorithmName, algorithm, StringComparison.Ordinal).Replace(Digest.Hex, hex, StringComparison.Ordinal);
        return new(
            Fill(Layout.BlobKey(Repository, Digest)),
            Fill(Layout.ManifestKey(Repository, Reference.Of(Digest))),
            Fill(Layout.ManifestKey(Repository, Reference.Parse(AnyTag))),
            Fill(Layout.ReferrersKey(Repository, Digest)),
            Fill(V2Layout.TagListKey(Repository)),
            V2Layout.CatalogKey);
    }
}

/// <summary>The keys of objects, with parts that an edge fills in.</summary>
internal sealed record EdgeKeys(string Blob, string Manifest, string Tag, string Referrers, string TagList, string Catalog);

/// <summary>A file that <c>pail edge</c> writes.</summary>
/// <param name="Name">Its name, without a folder.</param>
/// <param name="Content">What is in it.</param>
internal sealed record EdgeFile(string Name, string Content);
