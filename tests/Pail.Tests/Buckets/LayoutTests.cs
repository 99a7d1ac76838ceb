using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Compression;
using Pail.Oci;

namespace Pail.Tests.Buckets;

/// <summary>What keys mean.</summary>
public sealed class LayoutTests
{
    private static readonly string[] Names = ["a", "team/app", "v2/blobs", "manifests/manifests", "a/blobs/b", "tags/list", "x/referrers"];

    private static readonly Digest[] Digests = [Digest.Of([1]), Digest.Of([1], DigestAlgorithm.Sha512)];

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public void Read_OfAKeyThatWasMade_IsWhatItWasMadeOf(LayoutKind kind)
    {
        var layout = BucketLayout.Of(kind);
        foreach (var name in Names.Select(RepositoryName.Parse))
        {
            RepositoryName? own = layout.SharesBlobs ? null : name;
            foreach (var digest in Digests)
            {
                Assert.Equal(new KeyMeaning(KeyKind.Blob, own, digest), layout.Read(layout.BlobKey(name, digest)));
                Assert.Equal(new KeyMeaning(layout.SharesBlobs ? KeyKind.Blob : KeyKind.Manifest, own, digest), layout.Read(layout.ManifestKey(name, Reference.Of(digest))));
                Assert.Equal(new KeyMeaning(KeyKind.Referrers, name, digest), layout.Read(layout.ReferrersKey(name, digest)));
            }
            foreach (var tag in (string[])["1", "latest", "manifest.json", "oci-layout", "_", new string('a', 128)])
            {
                Assert.Equal(new KeyMeaning(KeyKind.Tag, name, Tag: tag), layout.Read(layout.ManifestKey(name, Reference.Parse(tag))));
                foreach (var (key, _, _) in layout.TagCompanions(name, tag))
                    Assert.Equal(new KeyMeaning(KeyKind.TagCompanion, name, Tag: tag), layout.Read(key));
            }
            if (kind == LayoutKind.V2)
                Assert.Equal(new KeyMeaning(KeyKind.StaticList, name), layout.Read(V2Layout.TagListKey(name)));
        }
        foreach (var digest in Digests)
            foreach (CompressionKind? compression in (CompressionKind?[])[null, .. Enum.GetValues<CompressionKind>()])
                Assert.Equal(new KeyMeaning(KeyKind.Memory, Digest: digest), layout.Read(BucketLayout.MemoryKey(digest, compression)));
        Assert.Equal(KeyKind.Settings, layout.Read(BucketSettings.Key).Kind);
        Assert.Equal(KeyKind.Policy, layout.Read(RetentionFile.Key).Kind);
        Assert.Equal(KeyKind.Pulls, layout.Read(PullKeys.Of(DateTimeOffset.UnixEpoch, "x")).Kind);
        Assert.Equal(KeyKind.Staging, layout.Read(StagingKey.OfPiece(Guid.NewGuid(), 7, new(1, 2))).Kind);
        Assert.Equal(KeyKind.Staging, layout.Read(StagingKey.OfDirect(Guid.NewGuid())).Kind);
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public void Read_OfAnythingElse_IsForeign(LayoutKind kind)
    {
        var layout = BucketLayout.Of(kind);
        var hex = Digests[0].Hex;
        foreach (var key in (string[])
        [
            "", "/", "v2", "v2/x", "v2//blobs/" + Digests[0], $"v2/A/blobs/{Digests[0]}", "v2/a/blobs/sha256:1", $"v2/a/blobs/{Digests[0]}/x", "v2/a/tags/lists", "v2/a/manifests/-x",
            "blobs/sha256/1", $"blobs/md5/{hex}", $"blobs/sha256/{hex.ToUpperInvariant()}", "manifests/a/manifest.json", "manifests/a/1/manifest.jsonx", "referrers/a/sha256/1",
            "pail", "pail/", "pail.json/x", "pail/layers/x/gzip", $"pail/layers/{Digests[0]}/zip", "pail/uploads/", $"pail/uploads/{Guid.Empty}/direct",
            "pail/retention.yml", "pail/pulls/", "pail/pulls/2026-01-01-00", "pail/pulls/2026-01-01-24/x.json", "pail/pulls/2026-01-01-00/x",
        ])
            Assert.Equal(default, layout.Read(key));
    }
}
