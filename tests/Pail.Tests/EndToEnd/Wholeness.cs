using Pail.Oci;
using Pail.Tests.Kit;

namespace Pail.Tests.EndToEnd;

/// <summary>What holds at any moment, whatever was killed or failed: nothing wrong under a digest, and every visible manifest whole.</summary>
internal static class Wholeness
{
    /// <summary>Asserts it of a repository in a bucket of the layout v2.</summary>
    public static async Task AssertAsync(TestBucket bucket, string repository)
    {
        var keys = (await bucket.KeysAsync($"v2/{repository}/")).ToHashSet();
        foreach (var key in keys.Where(key => key.Contains("/manifests/", StringComparison.Ordinal) || key.Contains("/blobs/", StringComparison.Ordinal)))
        {
            var bytes = await bucket.ReadAsync(key);
            if (Digest.TryParse(key[(key.LastIndexOf('/') + 1)..], out var digest))
                Assert.Equal(digest, Digest.Of(bytes));
            if (key.IndexOf("/manifests/", StringComparison.Ordinal) is > 0 and var end)
                AssertParts(Manifest.Parse(bytes), key, part => keys.Contains($"{key[..end]}/{part}"));
        }
    }

    /// <summary>Asserts it of an OCI layout in a folder, which may not be there.</summary>
    public static void AssertLayout(string folder)
    {
        var blobs = Path.Combine(folder, "blobs", "sha256");
        if (Directory.Exists(blobs))
            foreach (var file in Directory.EnumerateFiles(blobs))
                if (Digest.TryParse($"sha256:{Path.GetFileName(file)}", out var digest))
                    Assert.Equal(digest, Digest.Of(File.ReadAllBytes(file)));
        var index = Path.Combine(folder, "index.json");
        if (File.Exists(index))
            AssertTree(Manifest.Parse(File.ReadAllBytes(index)), index, blobs);
    }

    private static void AssertTree(Manifest manifest, string where, string blobs)
    {
        AssertParts(manifest, where, part => File.Exists(Path.Combine(blobs, part[(part.LastIndexOf(':') + 1)..])));
        foreach (var child in manifest.Manifests)
            AssertTree(Manifest.Parse(File.ReadAllBytes(Path.Combine(blobs, child.Digest.Hex)), child), child.Digest.ToString(), blobs);
    }

    private static void AssertParts(Manifest manifest, string where, Func<string, bool> exists)
    {
        foreach (var child in manifest.Manifests)
            Assert.True(exists($"manifests/{child.Digest}"), $"{where} names {child.Digest}, which is not there");
        foreach (var blob in manifest.Blobs)
            Assert.True(exists($"blobs/{blob.Digest}"), $"{where} names {blob.Digest}, which is not there");
    }
}
