using System.Text;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>An image, a registry that tells it as it is unless a test has it do otherwise, and a bucket that nothing false may come to.</summary>
public abstract class HostileBench : IDisposable
{
    private long _taken;

    private protected RegistryKit Kit { get; } = new() { Options = new() { Patience = Eventually.Limit } };

    private protected MemoryImage Image { get; init; } = MemoryImage.Plain();

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Kit.Dispose();
    }

    /// <summary>A registry that is honest but for what is asked at one place: manifests, blobs, or the realm of its tokens.</summary>
    private protected RawServer Server(string place, Func<RawRequest, Stream, CancellationToken, Task> answer)
    {
        RawServer? self = null;
        return self = new RawServer((request, stream, cancel) =>
            request.Path.Contains($"/{place}", StringComparison.Ordinal) ? answer(request, stream, cancel)
            : place == "token" ? ChallengeAsync(stream, $"http://{self!.Host}/token")
            : HonestAsync(request, stream, cancel));
    }

    private protected Task HonestAsync(RawRequest request, Stream stream, CancellationToken cancel) => request.Path.Contains("/blobs/", StringComparison.Ordinal)
        ? RawServer.WriteAsync(stream, "200 OK", "", Blob(request))
        : RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {Image.Root!.MediaType}\r\n", Image.Root.Bytes);

    private protected static Task ChallengeAsync(Stream stream, string realm) => RawServer.WriteAsync(stream, "401 Unauthorized", $"WWW-Authenticate: Bearer realm=\"{realm}\",service=\"x\"\r\n", default);

    /// <summary>A body without length and end; counts how much of it was taken.</summary>
    private protected async Task EndlessAsync(Stream stream, string status, CancellationToken cancel, string type = MediaTypes.OciManifest)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nConnection: close\r\n\r\n"), cancel);
        await ForEverAsync(stream, new byte[64 << 10], cancel);
    }

    private protected async Task ForEverAsync(Stream stream, byte[] chunk, CancellationToken cancel)
    {
        while (true)
        {
            await stream.WriteAsync(chunk, cancel);
            Interlocked.Add(ref _taken, chunk.Length);
        }
    }

    /// <summary>Writes byte by byte, never still for long.</summary>
    private protected static async Task DripAsync(Stream stream, CancellationToken cancel, Action? beforeEach = null)
    {
        for (var i = 0; i < 5000; i++)
        {
            // So that whoever reads waits already.
            await Task.Delay(20, cancel);
            beforeEach?.Invoke();
            await stream.WriteAsync("x"u8.ToArray(), cancel);
            await stream.FlushAsync(cancel);
        }
    }

    private protected byte[] Blob(RawRequest request) => Image.Blobs[DigestOf(request)];

    private protected static Digest DigestOf(RawRequest request) => Digest.Parse(request.Path[(request.Path.LastIndexOf('/') + 1)..]);

    /// <summary>A copy to a bucket fails as it should, and brings nothing there but what is what its digest says.</summary>
    private protected async Task FailsAsync(RawServer server, Failure failure, string says, string reference = "1", CopyOptions? options = null)
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(async () =>
        {
            await using var source = Kit.Source(server.Host, reference: reference);
            await ImageCopy.RunAsync(source, await BucketAsync(), options ?? new(), NoProgress.Instance, TestContext.Current.CancellationToken);
        });
        Assert.Equal(failure, error.Failure);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(error.Message, char.IsControl);
        AssertBounded();
        foreach (var path in Written())
        {
            Assert.Contains("/blobs/", path, StringComparison.Ordinal);
            Assert.StartsWith(Digest.Of(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken)).ToString(), Path.GetFileName(path), StringComparison.Ordinal);
        }
    }

    /// <summary>Little was taken of what has no end; sockets hold some of it.</summary>
    private protected void AssertBounded() => Assert.InRange(Interlocked.Read(ref _taken), 0, 32 << 20);

    private protected async Task<BucketSink> BucketAsync()
    {
        Directory.CreateDirectory(Kit.Folder["bucket"]);
        var registry = await BucketSetup.RunAsync(new FolderStore(Kit.Folder["bucket"], new RequestMeter()), Kit.Engine, BucketLayout.Of(LayoutKind.V2), null, default);
        return new BucketSink(registry.Repository(RepositoryName.Parse("team/app")), Reference.Parse("1"));
    }

    private protected IEnumerable<string> Written() => Directory.Exists(Kit.Folder["bucket"]) ? Directory.EnumerateFiles(Kit.Folder["bucket"], "*", SearchOption.AllDirectories).Where(path => path.Contains("/team/app/", StringComparison.Ordinal)) : [];
}
