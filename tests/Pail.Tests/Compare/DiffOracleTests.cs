using System.Formats.Tar;
using System.Text;
using Pail.Compare;
using Pail.Export;
using Pail.Tests.Images;
using static Pail.Tests.Compare.Diffing;

namespace Pail.Tests.Compare;

/// <summary>Random images, compared with what the runtime's reader finds in their exported file systems, which always takes all layers.</summary>
public sealed class DiffOracleTests
{
    private static readonly string[] Names = ["a", "b", "c"];

    private static readonly string[] Targets = ["..", "/c", "nothing"];

    [Fact]
    public async Task Files_OfRandomImages_DifferAsTheirExportsDo()
    {
        var (skipped, different, refused) = (0, 0, 0);
        for (var seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            var shared = Enumerable.Range(0, random.Next(0, 3)).Select(_ => Layer(random, random, 6, removes: true)).ToArray();
            var removes = random.Next(3) == 0;
            var plan = random.Next();
            // Many have upper layers with the same names, and of the same kinds.
            Random Planned(int layer) => new(random.Next(4) > 0 ? plan + layer : random.Next());
            TarBytes[] Upper(int content) => [.. Enumerable.Range(0, 1 + (plan % 2)).Select(i => Layer(Planned(i), Planned(i + 2), random.Next(4), removes, content))];
            var (old, @new) = (ImageOf([.. shared, .. Upper(1)]), ImageOf([.. shared, .. Upper(2)]));

            Dictionary<string, string> before, now;
            try
            {
                (before, now) = (await ExportedAsync(old), await ExportedAsync(@new));
            }
            catch (PailException e) when (e.Failure == Failure.BadContent)
            {
                // Such as a hard link to what is not there.
                refused++;
                old.Opened.Clear();
                @new.Opened.Clear();
                if (await ErrorAsync(old, @new) is null)
                    Assert.False(Read(old, 0) || Read(@new, 0), $"seed {seed}");
                continue;
            }
            old.Opened.Clear();
            @new.Opened.Clear();
            var diff = await DiffAsync(old, @new);
            var expected = Expected(before, now);
            // A folder that no layer describes, and with nothing in it, is left out of an export.
            string Change(FileDiff file) => $"{(file.Change != FileChange.Changed ? file.Change : !before.ContainsKey(file.Path.TrimEnd('/')) ? FileChange.Added : !now.ContainsKey(file.Path.TrimEnd('/')) ? FileChange.Removed : file.Change)} {file.Path.TrimEnd('/')}";
            var found = diff.Files.Where(file => file.Change == FileChange.Changed ? file.What.Contains("type") || !file.Path.EndsWith('/') : !file.Path.EndsWith('/')).Select(Change);
            Assert.True(expected.SetEquals(found), $"seed {seed}: {string.Join(", ", expected)} but {string.Join(", ", found)}");
            skipped += shared.Length > 0 && !Read(old, 0) && !Read(@new, 0) ? 1 : 0;
            different += expected.Count > 0 ? 1 : 0;
        }
        Assert.True(skipped > 100, $"only {skipped} were compared without the layers they share, {refused} were refused");
        Assert.True(different > 500, $"only {different} differed");
        Assert.InRange(refused, 1, 1500);
    }

    private static async Task<PailException?> ErrorAsync(MemoryImage old, MemoryImage @new)
    {
        try
        {
            await DiffAsync(old, @new);
            return null;
        }
        catch (PailException e)
        {
            return e;
        }
    }

    private static TarBytes Layer(Random random, Random kinds, int entries, bool removes, int content = 0)
    {
        var tar = Blank();
        var paths = new List<string>();
        for (var i = 0; i < entries; i++)
        {
            var path = string.Join('/', Enumerable.Range(0, random.Next(1, 3)).Select(_ => random.GetItems(Names, 1)[0]));
            var (folder, last) = (path.LastIndexOf('/') is >= 0 and var slash ? path[..(slash + 1)] : "", path[(path.LastIndexOf('/') + 1)..]);
            var kind = kinds.Next(removes ? 9 : 6);
            _ = kind switch
            {
                0 or 1 or 2 => tar.File(path, $"{content}{random.Next(2)}"),
                3 => tar.Folder(path + "/"),
                4 => tar.Link(path, random.GetItems(Targets, 1)[0]),
                // Some lead into lower layers, some nowhere.
                5 when kinds.Next(20) == 0 => tar.Link(path, string.Join('/', random.GetItems(Names, 2)), TarEntryType.HardLink),
                5 when paths.Count > 0 => tar.Link(path, paths[^1], TarEntryType.HardLink),
                5 => tar.File(path, "a name alone"),
                6 or 7 => tar.File($"{folder}.wh.{last}", ""),
                _ => tar.File($"{path}/.wh..wh..opq", ""),
            };
            if (kind < 3)
                paths.Add(path);
        }
        return tar;
    }

    private static HashSet<string> Expected(Dictionary<string, string> old, Dictionary<string, string> @new)
    {
        var found = new HashSet<string>();
        foreach (var path in old.Keys.Union(@new.Keys))
        {
            var (before, now) = (old.GetValueOrDefault(path), @new.GetValueOrDefault(path));
            if (before == now || (before ?? "/") + (now ?? "/") == "//")
                continue;
            found.Add($"{(before is null ? FileChange.Added : now is null ? FileChange.Removed : FileChange.Changed)} {path}");
        }
        return found;
    }

    // Each name and what it is; a folder is "/", also where only the names below it tell of it.
    private static async Task<Dictionary<string, string>> ExportedAsync(MemoryImage image)
    {
        using var tar = new MemoryStream();
        await ImageExport.WriteAsync(image, image.Root!, tar, TestContext.Current.CancellationToken);
        tar.Position = 0;
        using var reader = new TarReader(tar);
        var files = new Dictionary<string, string>();
        while (reader.GetNextEntry() is { } entry)
        {
            var path = entry.Name.TrimEnd('/');
            files[path] = entry.EntryType switch
            {
                TarEntryType.Directory => "/",
                TarEntryType.SymbolicLink => $"-> {entry.LinkName}",
                TarEntryType.HardLink => files[entry.LinkName],
                _ => $"= {new StreamReader(entry.DataStream ?? Stream.Null, Encoding.UTF8).ReadToEnd()}",
            };
            for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
                files[path[..slash]] = "/";
        }
        return files;
    }
}
