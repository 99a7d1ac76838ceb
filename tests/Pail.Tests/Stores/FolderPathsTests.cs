using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Tests.Stores;

public sealed class FolderPathsTests
{
    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(3000).WithQuietOnSuccess(true);

    [Theory]
    [InlineData("v2/", "v2/")]
    [InlineData("v2/team/app/manifests/1.0", "v2/team/app/manifests/1.0")]
    [InlineData("v2/app/blobs/sha256:0a", "v2/app/blobs/sha256:0a")]
    [InlineData("pail.json", "pail.json")]
    [InlineData(".pail/tmp/x", "%2Epail/tmp/x")]
    [InlineData(".Pail", "%2EPail")]
    [InlineData("a/.pail/x", "a/.pail/x")]
    [InlineData("../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd")]
    [InlineData("a/./b", "a/%2E/b")]
    [InlineData("/a//b", "@/a/@/b")]
    [InlineData("a@b%c\n", "a%40b%25c%0A")]
    [InlineData("...", "...")]
    public void Of_Key_IsItsPath(string key, string path) => Assert.Equal(path, FolderPaths.Of(key));

    [Fact]
    public void Of_LongParts_AreCutIntoPieces()
    {
        Assert.Equal(new string('a', 238), FolderPaths.Of(new('a', 238)));
        Assert.Equal($"{new string('a', 200)}@/{new string('a', 39)}", FolderPaths.Of(new('a', 239)));
        Assert.Equal($"{new string('a', 255)}/b", FolderPaths.Of(new string('a', 255) + "/b"));
        Assert.Equal($"{new string('a', 200)}@/{new string('a', 56)}/b", FolderPaths.Of(new string('a', 256) + "/b"));
    }

    [Fact]
    public void Of_NoKey_IsRejected()
    {
        foreach (var key in (string[])["", "a\ud800b", "\udc33\ud83d", "a/\ud800", new('é', 513)])
            Assert.Equal(StoreError.Rejected, Assert.Throws<StoreException>(() => FolderPaths.Of(key)).Error);
    }

    [Fact]
    public void Of_AnyKey_ReadsBackAsItself() => Check.One(Thorough, Prop.ForAll(Keys.Any, key => Read(FolderPaths.Of(key) + ".@json") == key));

    [Fact]
    public void Of_AnyKey_StaysInTheFolderAndFitsIt() => Check.One(Thorough, Prop.ForAll(Keys.Any, key => FolderTypes.Suffixes.All(suffix =>
    {
        var names = (FolderPaths.Of(key) + suffix).Split('/');
        return names.All(name => name is not ("" or "." or "..") && Encoding.UTF8.GetByteCount(name) <= 255 && !name.Any(c => c is < ' ' or '\x7f'))
            && !names[0].Equals(".pail", StringComparison.OrdinalIgnoreCase);
    })));

    // A file's name is never a directory's, so an object never stands in another's way.
    [Fact]
    public void Of_AnyTwoKeys_NeverClash() => Check.One(Thorough, Prop.ForAll(Keys.Any, Keys.Any, (one, other) => FolderTypes.Suffixes.All(suffix =>
    {
        var directories = (FolderPaths.Of(other) + ".@json").Split('/')[..^1];
        return directories.All(name => !FolderPaths.TryReadFile(name, out _, out _)) && (one == other || FolderPaths.Of(one) != FolderPaths.Of(other));
    })));

    [Fact]
    public void DirectoryOf_AnyPrefixOfAKey_HoldsTheKey() => Check.One(Thorough, Prop.ForAll(Keys.Any, Gen.Choose(0, 1024).ToArbitrary(), (key, cut) =>
    {
        var prefix = key[..Math.Min(cut, key.Length)];
        var (path, part) = FolderPaths.DirectoryOf(prefix);
        return prefix.StartsWith(part, StringComparison.Ordinal)
            && (path.Length == 0 || FolderPaths.Of(key).StartsWith(path + "/", StringComparison.Ordinal))
            && (path.Length == 0 ? part.Length == 0 : ReadDirectories(path.Split('/')) == part);
    }));

    [Theory]
    [InlineData("x")]
    [InlineData("x.json")]
    [InlineData("x.@unknown")]
    [InlineData("x%2F.@json")]
    [InlineData("x%2f.@json")]
    [InlineData("%41.@json")]
    [InlineData("x%.@json")]
    [InlineData("x@y.@json")]
    [InlineData("x\n.@json")]
    public void TryReadFile_ForeignName_IsNoObject(string name) => Assert.False(FolderPaths.TryReadFile(name, out _, out _));

    private static string? Read(string path)
    {
        var names = path.Split('/');
        return FolderPaths.TryReadFile(names[^1], out var last, out var suffix) && FolderTypes.Suffixes[suffix] == ".@json" ? ReadDirectories(names[..^1]) + last : null;
    }

    private static string ReadDirectories(string[] names) =>
        string.Concat(names.Select(name => FolderPaths.TryReadDirectory(name, out var part) ? part : throw new FormatException(name)));
}
