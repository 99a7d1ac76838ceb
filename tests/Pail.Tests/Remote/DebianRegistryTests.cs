using System.Text.Json;
using Pail.Oci;
using Pail.Remote;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>Against CNCF Distribution as Debian has it, over TLS, with htpasswd.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class DebianRegistryTests : IAsyncLifetime
{
    private readonly RegistryKit _kit = new();
    private DebianRegistry _registry = null!;

    private string Host => _registry.Host;

    public async ValueTask InitializeAsync()
    {
        _registry = await DebianRegistry.StartAsync();
        _kit.Options = new() { CaFile = _registry.Authorities };
        _kit.LogIn(Host, DebianRegistry.User, DebianRegistry.Password);
    }

    public async ValueTask DisposeAsync()
    {
        await _registry.DisposeAsync();
        _kit.Dispose();
    }

    [Fact]
    public async Task Delete_ByTagAndDigest_RemovesOrSaysWhatRemoves()
    {
        var image = MemoryImage.Of("plain");
        await RegistryKit.CopyAsync(image, _kit.Sink(Host, "app"));
        var deletion = new RegistryDeletion(Host, RepositoryName.Parse("app"), _kit.Clients);
        // This registry removes no single tags.
        var refusal = await Assert.ThrowsAnyAsync<PailException>(() => deletion.DeleteAsync(Reference.Parse("1"), TestContext.Current.CancellationToken));
        Assert.Contains($"docker://{Host}/app@{image.Root!.Digest}", refusal.Message, StringComparison.Ordinal);
        MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host, "app")));
        await deletion.DeleteAsync(Reference.Of(image.Root.Digest), TestContext.Current.CancellationToken);
        var gone = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host, "app", image.Root.Digest.ToString())));
        Assert.Equal(Failure.NotFound, gone.Failure);
        gone = await Assert.ThrowsAnyAsync<PailException>(() => deletion.DeleteAsync(Reference.Of(image.Root.Digest), TestContext.Current.CancellationToken));
        Assert.Equal(Failure.NotFound, gone.Failure);
    }

    [Fact]
    public async Task Copy_ThereAndBack_KeepsEveryByteAndSkopeoAgrees()
    {
        foreach (var kind in (string[])["plain", "no layers", "index", "nested", "artifact"])
        {
            var image = MemoryImage.Of(kind);
            var repository = "team/" + kind.Replace(' ', '-');
            Assert.False((await RegistryKit.CopyAsync(image, _kit.Sink(Host, repository))).Unchanged);
            MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host, repository)));
            MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host, repository, image.Root!.Digest.ToString())));
            Assert.True((await RegistryKit.CopyAsync(image, _kit.Sink(Host, repository))).Unchanged);

            var raw = await SkopeoAsync("inspect", "--raw", $"docker://{Host}/{repository}:1");
            Assert.Equal(image.Root.Digest, Digest.Of(System.Text.Encoding.UTF8.GetBytes(raw.Output)));
        }
    }

    [Fact]
    public async Task Copy_DockerSchema2AndItsList_KeepsEveryByte()
    {
        var image = MemoryImage.Plain();
        var child = image.AddManifest(AsDocker(image.Root!.Bytes));
        image.AddManifest(Manifest.Parse(ManifestJson.IndexOf([ManifestJson.OfPlatform(child.Descriptor, "amd64")], type: MediaTypes.DockerManifestList)));
        await RegistryKit.CopyAsync(image, _kit.Sink(Host));
        var back = await Copying.ReadAsync(_kit.Source(Host));
        Assert.Equal((image.Root.Digest, MediaTypes.DockerManifestList), (back.Root!.Digest, back.Root.MediaType));
        Assert.Equal(MediaTypes.DockerManifest, back.Manifests[child.Digest].MediaType);
        using var inspected = JsonDocument.Parse((await SkopeoAsync("inspect", "--override-os", "linux", "--override-arch", "amd64", $"docker://{Host}/team/app:1")).Output);
        Assert.Equal(image.Root.Digest.ToString(), inspected.RootElement.GetProperty("Digest").GetString());
    }

    [Fact]
    public async Task Copy_Sha512_SaysThatThisRegistryTakesNone()
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(MemoryImage.Plain(algorithm: DigestAlgorithm.Sha512), _kit.Sink(Host)));
        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains("DIGEST_INVALID", error.Message, StringComparison.Ordinal);
        Assert.Contains("This registry seems to take no sha512 digests", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_LargeBlob_GoesUpInOneRequestAndComesBackInRanges()
    {
        var image = new MemoryImage();
        var config = image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty);
        var layer = image.Add(ImageBytes.Bytes(new Random(5), 40 << 20), MediaTypes.OciLayerTar);
        image.AddManifest(ImageBuilder.ManifestOf(config, [layer]));
        await RegistryKit.CopyAsync(image, _kit.Sink(Host));
        await using var source = _kit.Source(Host);
        foreach (var offset in (int[])[0, 1, 30 << 20, (40 << 20) - 1])
        {
            using var bytes = new MemoryStream();
            await using (var stream = await source.OpenBlobAsync(layer, offset, TestContext.Current.CancellationToken))
                await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
            Assert.True(image.Blobs[layer.Digest].AsSpan(offset).SequenceEqual(bytes.ToArray()));
        }
        MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host)));
    }

    [Fact]
    public async Task Copy_WithinTheRegistry_MountsBlobs()
    {
        var image = MemoryImage.Plain(layers: 3);
        await RegistryKit.CopyAsync(image, _kit.Sink(Host, "team/one"));
        var result = await RegistryKit.CopyAsync(_kit.Source(Host, "team/one"), _kit.Sink(Host, "team/two", mountFrom: "team/one"));
        Assert.Equal((0, 4), (result.Sent, result.Copied));
        MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host, "team/two")));
    }

    [Fact]
    public async Task Copy_SourceThatLies_LeavesNoBlob()
    {
        var image = MemoryImage.Plain();
        var layer = image.Root!.Layers[0];
        var lie = image.Blobs[layer.Digest].ToArray();
        lie[^1]++;
        image.Spoil(layer.Digest, lie);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(image, _kit.Sink(Host)));
        Assert.Equal(Failure.BadContent, error.Failure);
        await using var source = _kit.Source(Host);
        Assert.Equal(Failure.NotFound, (await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(default))).Failure);
        await using var stream = await source.OpenBlobAsync(layer, 0, default);
        Assert.Equal(Failure.NotFound, (await Assert.ThrowsAnyAsync<PailException>(() => stream.ReadAsync(new byte[1]).AsTask())).Failure);
    }

    [Theory]
    [InlineData(DebianRegistry.Password + "!", "The login for")]
    [InlineData(null, "pail login")]
    public async Task Copy_WrongOrNoPassword_IsDeniedAndSaysWhatToDo(string? password, string says)
    {
        if (password is null)
            _kit.Write(new { });
        else
            _kit.LogIn(Host, DebianRegistry.User, password);
        var reading = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host)));
        var writing = await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(Host)));
        foreach (var error in (PailException[])[reading, writing])
        {
            Assert.Equal(Failure.Denied, error.Failure);
            Assert.Contains(says, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("skopeo", "XDG_RUNTIME_DIR", "")]
    [InlineData("skopeo", "REGISTRY_AUTH_FILE", "")]
    [InlineData("skopeo", "REGISTRY_AUTH_FILE", "/team")]
    [InlineData("skopeo 1.18", "XDG_RUNTIME_DIR", "")]
    [InlineData("skopeo 1.18", "REGISTRY_AUTH_FILE", "")]
    [InlineData("skopeo 1.18", "REGISTRY_AUTH_FILE", "/team")]
    public async Task Login_OfSkopeo_IsFoundWhereItKeepsIt(string client, string variable, string part)
    {
        _kit.Write(new { });
        var place = variable == "REGISTRY_AUTH_FILE" ? _kit.Folder["skopeo.json"] : Directory.CreateDirectory(_kit.Folder["run"]).FullName;
        _kit[variable] = place;
        (await (client == "skopeo" ? Machine.Here : Machine.Debian13).RunAsync(
            "/usr/bin/skopeo",
            ["login", "--tls-verify=false", "--username", DebianRegistry.User, "--password-stdin", Host + part],
            new Dictionary<string, string?> { ["HOME"] = _kit.Folder.Path, ["XDG_RUNTIME_DIR"] = null, ["REGISTRY_AUTH_FILE"] = null, [variable] = place },
            DebianRegistry.Password)).Succeeded();
        await RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(Host));
        if (part.Length > 0)
            Assert.Equal(Failure.Denied, (await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(Host, "other/app")))).Failure);
    }

    [Fact]
    public async Task Connect_UnknownAuthority_IsRefusedAndNothingIsSent()
    {
        _kit.Options = new();
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.Contains("--ca-cert", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connect_WithoutTheClientCertificateItWants_IsDeniedAndSaysWhatIsMissing(bool another)
    {
        await using var strict = await DebianRegistry.StartAsync(strict: true);
        using var folder = new TestFolder();
        if (another)
        {
            var stranger = new TestCertificates(folder);
            stranger.Write(stranger.Issue(), "me");
        }
        _kit.Options = _kit.Options with { CaFile = strict.Authorities, CertificateFolder = folder.Path };
        var error = await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(strict.Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.Contains("client certificate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_ToAReadOnlyRegistry_IsDenied()
    {
        await using var registry = await DebianRegistry.StartAsync(readOnly: true);
        _kit.Options = new() { CaFile = registry.Authorities };
        _kit.LogIn(registry.Host, DebianRegistry.User, DebianRegistry.Password);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(registry.Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.Contains("read-only", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_ExpiredCertificate_IsRefusedAndSaysSo()
    {
        using var folder = new TestFolder();
        var certificates = new TestCertificates(folder);
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", default), certificates.Issue(expired: true));
        _kit.Options = _kit.Options with { CaFile = certificates.Authorities };
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(server.Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.Contains("expired on", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_AuthorityInCertsD_IsTrusted()
    {
        _kit.Options = new();
        var folder = Directory.CreateDirectory(_kit.Folder[$".config/containers/certs.d/{Host}"]);
        File.Copy(_registry.Authorities, Path.Combine(folder.FullName, "ours.crt"));
        await RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(Host));
    }

    [Fact]
    public async Task Tags_MoreThanAPage_AreListed()
    {
        var image = MemoryImage.Plain(layers: 0);
        var wanted = Enumerable.Range(0, 30).Select(i => $"v{i:000}").ToList();
        foreach (var tag in wanted)
            await RegistryKit.CopyAsync(image, _kit.Sink(Host, reference: tag));
        Assert.Equal(wanted, await RegistryTags.ListAsync(Host, RepositoryName.Parse("team/app"), _kit.Clients).Order(StringComparer.Ordinal).ToListAsync());
        Assert.Equal(Failure.NotFound, (await Assert.ThrowsAnyAsync<PailException>(() => RegistryTags.ListAsync(Host, RepositoryName.Parse("team/other"), _kit.Clients).ToListAsync().AsTask())).Failure);
    }

    private static Manifest AsDocker(ReadOnlyMemory<byte> manifest) => Manifest.Parse(System.Text.Encoding.UTF8.GetBytes(
        System.Text.Encoding.UTF8.GetString(manifest.Span)
            .Replace(MediaTypes.OciManifest, MediaTypes.DockerManifest, StringComparison.Ordinal)
            .Replace(MediaTypes.OciConfig, MediaTypes.DockerConfig, StringComparison.Ordinal)
            .Replace(MediaTypes.OciLayerGzip, "application/vnd.docker.image.rootfs.diff.tar.gzip", StringComparison.Ordinal)));

    private async Task<Finished> SkopeoAsync(params string[] arguments) => (await Child.RunAsync(
        "skopeo",
        [.. arguments, "--tls-verify=false", "--creds", $"{DebianRegistry.User}:{DebianRegistry.Password}"],
        new Dictionary<string, string?> { ["HOME"] = _kit.Folder.Path })).Succeeded();
}
