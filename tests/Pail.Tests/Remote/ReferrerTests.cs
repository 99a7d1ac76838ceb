using System.Formats.Tar;
using System.Text;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Copy;
using Pail.Dir;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Remote;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Remote;

/// <summary>Signatures and their like come along, wherever they are listed.</summary>
[NeedsServers]
public sealed class ReferrerTests : IAsyncLifetime
{
    private const string Kind = "application/vnd.example.sbom";

    private readonly RegistryKit _kit = new();
    private DebianRegistry _old = null!;
    private TestServer _server = null!;

    // An index; an SBOM of it, an SBOM of its first image, a signature of that SBOM; and a cosign signature in a tag.
    private readonly MemoryImage _image = MemoryImage.Index();
    private Manifest Root => _image.Root!;
    private readonly List<Manifest> _referrers = [];
    private Manifest _signature = null!;

    public async ValueTask InitializeAsync()
    {
        _old = await DebianRegistry.StartAsync();
        _kit.Options = new() { CaFile = _old.Authorities };
        _kit.LogIn(_old.Host, DebianRegistry.User, DebianRegistry.Password);
        var meter = new RequestMeter();
        Directory.CreateDirectory(_kit.Folder["server"]);
        _server = await TestServer.StartAsync(new FolderStore(_kit.Folder["server"], meter), meter, LayoutKind.V2);

        var root = Root;
        _referrers.Add(Artifact("sbom of all", root.Descriptor));
        _referrers.Add(Artifact("sbom of one", root.Manifests[0] with { Platform = null }));
        _referrers.Add(Artifact("signature of the sbom", _referrers[1].Descriptor));
        _signature = Artifact("cosign", null);
        _image.AddManifest(root);
    }

    public async ValueTask DisposeAsync()
    {
        await _old.DisposeAsync();
        await _server.DisposeAsync();
        _kit.Dispose();
    }

    [Theory]
    [InlineData("server")] // lists them itself
    [InlineData("old")] // does not: a tag lists them
    [InlineData("v2")]
    [InlineData("pool")]
    [InlineData("oci")] // tags list them
    public async Task Copy_WithReferrers_BringsThemAllAndTwiceChangesNothing(string place)
    {
        await FillAsync();
        Assert.Equal((4, 0), await CopyAsync(_kit.Source(_server.Host), await SinkAsync(place, "first")));
        Assert.Equal((0, 0), await CopyAsync(_kit.Source(_server.Host), await SinkAsync(place, "first")));
        // And on from there.
        Assert.Equal((4, 0), await CopyAsync(await SourceAsync(place, "first"), await SinkAsync("v2", "second")));

        await using var arrived = (IAsyncDisposable)await SourceAsync("v2", "second");
        var source = (IReferrerSource)arrived;
        Assert.Equal([_referrers[0].Digest], (await source.ListReferrersAsync(Root.Digest, default)).Select(entry => entry.Digest));
        Assert.Equal([_referrers[1].Digest], (await source.ListReferrersAsync(Root.Manifests[0].Digest, default)).Select(entry => entry.Digest));
        Assert.Equal([_referrers[2].Digest], (await source.ListReferrersAsync(_referrers[1].Digest, default)).Select(entry => entry.Digest));
        Assert.Equal(_signature.Digest, (await source.FindTagAsync($"sha256-{Root.Digest.Hex}.sig", default))?.Digest);
        await using var blob = await ((IImageSource)arrived).OpenBlobAsync(_referrers[2].Layers[0], 0, default);
        Assert.Equal("signature of the sbom", await new StreamReader(blob).ReadToEndAsync());
    }

    [Fact]
    public async Task Copy_WithoutReferrers_BringsNone()
    {
        await FillAsync();
        await RegistryKit.CopyAsync(_kit.Source(_server.Host), await SinkAsync("v2", "first"));
        await using var source = (BucketSource)await SourceAsync("v2", "first");
        Assert.Empty(await source.ListReferrersAsync(Root.Digest, default));
    }

    [Fact]
    public async Task Copy_ToWhereTheyCantBeHeld_SaysHowManyStay()
    {
        await FillAsync();
        Assert.Equal((0, 4), await CopyAsync(_kit.Source(_server.Host), new DirSink(_kit.Folder["dir"])));
        var error = await Assert.ThrowsAnyAsync<PailException>(async () => await CopyAsync(new DirSource(_kit.Folder["dir"]), await SinkAsync("v2", "other")));
        Assert.Contains("--referrers", error.Message, StringComparison.Ordinal);
        // Said before anything is written.
        Assert.False(await (await SinkAsync("v2", "other")).HasManifestAsync(Root, default));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(int.MaxValue, false)]
    public async Task ListInATag_OverwrittenByAnother_EndsWithAllEntriesOrSaysSo(int overwritten, bool ends)
    {
        var client = _kit.Clients.Of(_old.Host, RepositoryName.Parse("team/app"), "pull,push");
        var manifests = new RegistryManifests(client, _kit.Engine);
        using var lists = new RegistryReferrers(client, manifests, _kit.Engine);
        await using var sink = _kit.Sink(_old.Host);
        // Another read the list before we wrote it, and writes it after us.
        var stranger = Artifact("of another", Root.Descriptor);
        async Task PutAsync(Manifest list, string tag, CancellationToken cancel)
        {
            await sink.PutTagAsync(list, tag, cancel);
            if (overwritten-- > 0)
                await sink.PutTagAsync(Manifest.Parse(ReferrerList.Write([ReferrerList.Describe(stranger)]), MediaTypes.OciIndex), tag, cancel);
        }
        Manifest[] ours = [_referrers[0], Artifact("another of all", Root.Descriptor)];
        foreach (var manifest in (Manifest[])[stranger, .. ours])
        {
            foreach (var blob in manifest.Blobs)
                await sink.PutBlobAsync(blob, (offset, token) => _image.OpenBlobAsync(blob, offset, token), NoProgress.Instance, default);
            await sink.PutTagAsync(manifest, "x", default);
        }

        var add = async () =>
        {
            foreach (var referrer in ours)
                await lists.AddToTagAsync(referrer, PutAsync, default);
        };
        if (ends)
        {
            await add();
            Assert.Equal(((Manifest[])[stranger, .. ours]).Select(manifest => manifest.Digest.ToString()).Order(), (await sink.ListReferrersAsync(Root.Digest, default)).Select(entry => entry.Digest.ToString()).Order());
        }
        else
        {
            Assert.Equal(Failure.Conflict, (await Assert.ThrowsAnyAsync<PailException>(add)).Failure);
        }
    }

    [Fact]
    public async Task Copy_FromALayout_TheImageIsMeantWhereNoTagIsNamed()
    {
        await FillAsync();
        await CopyAsync(_kit.Source(_server.Host), new OciLayoutSink(_kit.Folder["oci"], "1"));
        Assert.Equal(5, LayoutIndex.Parse("", await File.ReadAllBytesAsync(Path.Combine(_kit.Folder["oci"], "index.json"))).Entries.Count);

        Assert.Equal((4, 0), await CopyAsync(new OciLayoutSource(_kit.Folder["oci"], null), await SinkAsync("v2", "first")));
        var error = await Assert.ThrowsAnyAsync<PailException>(() => new OciLayoutSource(_kit.Folder["oci"], "2").GetRootAsync(default));
        Assert.EndsWith("it has 1.", error.Message);
    }

    [Fact]
    public async Task Copy_FromAnArchiveOfALayout_BringsThemAll()
    {
        await FillAsync();
        await CopyAsync(_kit.Source(_server.Host), new OciLayoutSink(_kit.Folder["oci"], "1"));
        await TarFile.CreateFromDirectoryAsync(_kit.Folder["oci"], _kit.Folder["oci.tar"], includeBaseDirectory: false);

        Assert.Equal((4, 0), await CopyAsync(new OciArchiveSource(_kit.Folder["oci.tar"], "1"), await SinkAsync("v2", "first")));
    }

    [Fact]
    public async Task Copy_FromALayoutWithoutLists_FindsWhatIndexJsonNames()
    {
        // As ORAS keeps them: untagged, and nothing but the manifests says what they are.
        await FillAsync();
        var sink = new OciLayoutSink(_kit.Folder["oci"], "1");
        await Copying.RunAsync(_image, sink);
        foreach (var manifest in _referrers)
        {
            foreach (var blob in manifest.Blobs)
                await sink.PutBlobAsync(blob, (offset, token) => _image.OpenBlobAsync(blob, offset, token), NoProgress.Instance, default);
            await sink.PutManifestAsync(manifest, default);
        }
        var entries = _referrers.Select(manifest => ManifestJson.Of(manifest.Descriptor));
        var index = Path.Combine(_kit.Folder["oci"], "index.json");
        await File.WriteAllTextAsync(index, (await File.ReadAllTextAsync(index)).Replace("\"manifests\":[", $"\"manifests\":[{string.Join(',', entries)},", StringComparison.Ordinal));

        Assert.Equal((3, 0), await CopyAsync(new OciLayoutSource(_kit.Folder["oci"], "1"), await SinkAsync("v2", "first")));
        Assert.Equal((0, 0), await CopyAsync(new OciLayoutSource(_kit.Folder["oci"], "1"), await SinkAsync("v2", "first")));
    }

    [Theory]
    [InlineData(5000, 100, "more than 5000 manifests")]
    [InlineData(100, 4_000_000, "more than 268435456 bytes together")]
    [InlineData(1, 100, "has no blob")]
    public async Task Copy_FromALayoutThatNamesTooMuch_IsOneClearLine(int count, int size, string says)
    {
        await Copying.RunAsync(_image, new OciLayoutSink(_kit.Folder["oci"], "1"));
        var entries = Enumerable.Range(0, count).Select(at => ManifestJson.Of(new Descriptor(MediaTypes.OciManifest, Digest.Of(Encoding.UTF8.GetBytes($"{at}")), size)));
        var index = Path.Combine(_kit.Folder["oci"], "index.json");
        await File.WriteAllTextAsync(index, (await File.ReadAllTextAsync(index)).Replace("\"manifests\":[", $"\"manifests\":[{string.Join(',', entries)},", StringComparison.Ordinal));

        var error = await Assert.ThrowsAnyAsync<PailException>(async () => await CopyAsync(new OciLayoutSource(_kit.Folder["oci"], "1"), await SinkAsync("v2", "first")));

        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task Copy_ListThatLies_BringsWhatReallyRefers()
    {
        // A tag anybody may write lists a manifest that refers to nothing.
        await FillAsync();
        await using (var sink = _kit.Sink(_server.Host))
        {
            await sink.PutManifestAsync(_signature, default);
            await sink.PutTagAsync(Manifest.Parse(ReferrerList.Write([_signature.Descriptor])), ReferrerTags.List(_referrers[2].Digest), default);
        }
        Assert.Equal((4, 0), await CopyAsync(_kit.Source(_server.Host), await SinkAsync("v2", "first")));
    }

    private async Task FillAsync()
    {
        var sink = _kit.Sink(_server.Host);
        await RegistryKit.CopyAsync(_image, sink);
        await using var more = _kit.Sink(_server.Host);
        foreach (var manifest in _referrers.Append(_signature))
        {
            foreach (var blob in manifest.Blobs)
                await more.PutBlobAsync(blob, (offset, token) => _image.OpenBlobAsync(blob, offset, token), NoProgress.Instance, default);
            await more.PutManifestAsync(manifest, default);
        }
        await more.PutTagAsync(_signature, $"sha256-{Root.Digest.Hex}.sig", default);
    }

    private static async Task<(int Copied, int Left)> CopyAsync(IImageSource source, IImageSink sink)
    {
        await using (source)
        await using (sink)
        {
            var result = await ImageCopy.RunAsync(source, sink, new CopyOptions(Referrers: true), NoProgress.Instance, TestContext.Current.CancellationToken);
            return (result.Referrers, result.ReferrersLeft);
        }
    }

    private Manifest Artifact(string content, Descriptor? subject)
    {
        var config = _image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty);
        var blob = _image.Add(Encoding.UTF8.GetBytes(content), Kind);
        return Manifest.Parse(ManifestJson.Image(config, [blob], $",\"artifactType\":\"{Kind}\"{ManifestJson.Subject(subject)}"));
    }

    private async Task<IImageSource> SourceAsync(string place, string name) => place switch
    {
        "server" => _kit.Source(_server.Host, name),
        "old" => _kit.Source(_old.Host, name),
        "oci" => new OciLayoutSource(_kit.Folder["oci"], name),
        _ => new BucketSource((await BucketAsync(place)).Repository(RepositoryName.Parse(name)), Reference.Parse("1")),
    };

    private async Task<IImageSink> SinkAsync(string place, string name) => place switch
    {
        "server" => _kit.Sink(_server.Host, name),
        "old" => _kit.Sink(_old.Host, name),
        "oci" => new OciLayoutSink(_kit.Folder["oci"], name),
        _ => new BucketSink((await BucketAsync(place)).Repository(RepositoryName.Parse(name)), Reference.Parse("1")),
    };

    private Task<Bucket> BucketAsync(string place)
    {
        Directory.CreateDirectory(_kit.Folder[place]);
        return BucketSetup.RunAsync(new FolderStore(_kit.Folder[place], new RequestMeter()), _kit.Engine, BucketLayout.Of(place == "pool" ? LayoutKind.Pool : LayoutKind.V2), null, default);
    }
}
